package golden;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Tells all stories to a new group each, and writes their situations down. */
final class Stories {
    private static final int STORIES = 115;
    /** Picked among five thousand others because they reach what the others rarely do in the balancing. */
    private static final int[] RARE = {1073, 1151, 1275, 1758};
    private static final int REBALANCES = 6;

    private Stories() {}

    static void write(Path file, Supplier<Rebalancer> newGroup) throws IOException {
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(file, StandardCharsets.UTF_8))) {
            for (int seed : IntStream.concat(IntStream.range(0, STORIES), IntStream.of(RARE)).toArray()) {
                Story story = new Story(seed, size(seed), seed % 2 == 1);
                tell(story, newGroup.get(), REBALANCES).forEach(line -> out.print(line + "\n"));
            }
            for (int seed = 0; seed < 2; seed++) {
                Story story = new Story(5000 + seed, new Story.Size(100, 3, 1000), seed == 1);
                tell(story, newGroup.get(), 3).forEach(line -> out.print(line + "\n"));
            }
        }
    }

    /** Mostly small groups, so that the file stays small; some with more members than partitions. */
    private static Story.Size size(int seed) {
        Random random = new Random(seed * 31L);
        int topics = 1 + random.nextInt(4);
        int members = 1 + random.nextInt(random.nextInt(4) == 0 ? 14 : 7);
        return new Story.Size(members, topics, topics + random.nextInt(random.nextInt(4) == 0 ? 60 : 25));
    }

    private static List<String> tell(Story story, Rebalancer group, int rebalances) {
        List<String> lines = new ArrayList<>();
        for (int epoch = 1; epoch <= rebalances; epoch++) {
            Map<String, SortedMap<String, SortedSet<Integer>>> targets = group.rebalance(story.now);
            lines.add(story.now.line(targets));
            for (Situation.Member member : story.now.members.values()) {
                member.owned = targets.get(member.id);
                member.epoch = epoch;
            }
            story.change();
        }
        return lines;
    }
}
