package harness;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** The pipe to whoever started this process. */
final class Lifeline {
    private Lifeline() {
    }

    /** Waits for the end, deletes the folder, and is gone. */
    static void haltAtEnd(Path folder) {
        try {
            while (System.in.read() >= 0) {
                // nothing is expected
            }
        } catch (IOException gone) {
            // as good as the end
        }
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        } catch (IOException | UncheckedIOException left) {
            // the system's folder for temporary files is where it lies
        }
        Runtime.getRuntime().halt(0);
    }
}
