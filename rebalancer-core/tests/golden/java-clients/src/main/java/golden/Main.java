package golden;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Writes one file of situations for each assignor; the same seeds give the same files. */
public final class Main {
    private static final int WANTED = 605;
    private static final int EVENTS = 8;
    /**
     * Stories in which something rare shows (found by breaking a reimplementation and comparing 120,000 situations):
     * reversed moves and their choice by hash, a former owner full of what it has left, three claims or more.
     */
    private static final long[] RARE = {477, 619, 787, 894, 1164, 1912, 2415, 3284, 3557, 3560, 3840, 4343, 6010};

    private Main() {
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : "..");
        int wanted = arguments.length > 1 ? Integer.parseInt(arguments[1]) : WANTED;
        for (Kind kind : Kind.values()) {
            List<String> lines = new ArrayList<>();
            int failures = situations(kind, wanted, lines);
            Files.write(folder.resolve(kind.file + ".jsonl"), lines);
            System.out.println(kind.file + ": " + lines.size() + " situations, " + failures + " refused by Kafka");
        }
    }

    private static int situations(Kind kind, int wanted, List<String> lines) {
        int failures = new Story(kind, 1, 100, 4, 1000, lines).tell(1);
        failures += new Story(kind, 7, 100, 1, 1000, lines).tell(1);
        for (long seed : RARE) {
            failures += story(kind, seed, lines);
        }
        for (long seed = 100; lines.size() < wanted; seed++) {
            failures += story(kind, seed, lines);
        }
        return failures;
    }

    private static int story(Kind kind, long seed, List<String> lines) {
        Random size = new Random(seed);
        int members = size.nextInt(6) == 0 ? 1 + size.nextInt(2) : 1 + size.nextInt(12);
        int partitions = size.nextInt(5) == 0 ? 1 + size.nextInt(8) : 4 + size.nextInt(40);
        return new Story(kind, seed, members, 1 + size.nextInt(5), partitions, lines).tell(EVENTS);
    }
}
