package harness;

import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A member of a share group, until the process ends. */
final class Sharer {
    private Sharer() {
    }

    static void start(String bootstrap, String group, String topic) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("group.id", group);
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        KafkaShareConsumer<byte[], byte[]> consumer = new KafkaShareConsumer<>(settings);
        consumer.subscribe(List.of(topic));
        Thread thread = new Thread(() -> {
            while (true) {
                consumer.poll(Duration.ofMillis(200));
            }
        }, "sharer");
        thread.setDaemon(true);
        thread.start();
    }
}
