package golden;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.kafka.coordinator.group.assignor.RangeAssignor;
import org.apache.kafka.coordinator.group.assignor.UniformAssignor;

/** Writes {@code uniform.jsonl} and {@code server-range.jsonl}: arguments are the folder and, if wanted, "live". */
public final class Generator {
    private Generator() {}

    /** Writes both files. */
    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : "..");
        boolean live = arguments.length > 1 && arguments[1].equals("live");
        Stories.write(folder.resolve("uniform.jsonl"), () -> new Coordinator(new UniformAssignor(), live));
        Stories.write(folder.resolve("server-range.jsonl"), () -> new Coordinator(new RangeAssignor(), live));
    }
}
