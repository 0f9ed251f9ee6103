package harness;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import kafka.Kafka;
import kafka.tools.StorageTool;

/**
 * One broker that is its own controller: {@code Broker PROPERTIES [SCRAM...]}. It ends when its standard input does, so
 * it never outlives the test that started it, however that ends; and it takes its folder along.
 */
public final class Broker {
    private static final String CLUSTER = "cmViYWxhbmNlci10ZXN0cw";

    private Broker() {
    }

    public static void main(String[] arguments) {
        String properties = Path.of(arguments[0]).toAbsolutePath().toString();
        List<String> format = new ArrayList<>(List.of("format", "-t", CLUSTER, "-c", properties));
        for (int i = 1; i < arguments.length; i++) {
            format.addAll(List.of("--add-scram", arguments[i]));
        }
        int status = StorageTool.execute(format.toArray(String[]::new), System.out);
        if (status != 0) {
            System.exit(status);
        }
        Thread lifeline = new Thread(() -> Lifeline.haltAtEnd(Path.of(properties).getParent()), "lifeline");
        lifeline.setDaemon(true);
        lifeline.start();
        Kafka.main(new String[] {properties});
    }
}
