package harness;

import java.io.IOException;

/** The pipe to whoever started this process. */
final class Lifeline {
    private Lifeline() {
    }

    static void haltAtEnd() {
        try {
            while (System.in.read() >= 0) {
                // nothing is expected
            }
        } catch (IOException gone) {
            // as good as the end
        }
        Runtime.getRuntime().halt(0);
    }
}
