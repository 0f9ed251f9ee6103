package harness;

import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Records, as many by partition as a load asks for. */
final class Loads {
    private static final byte[] NOTHING = {1};
    private static final int TICK_MILLIS = 100;

    private final KafkaProducer<byte[], byte[]> producer;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "flow");
        thread.setDaemon(true);
        return thread;
    });

    Loads(Properties settings) {
        Properties all = new Properties();
        all.putAll(settings);
        all.put("key.serializer", ByteArraySerializer.class.getName());
        all.put("value.serializer", ByteArraySerializer.class.getName());
        all.put("linger.ms", "20");
        // Kafka 4.4 sometimes refuses an idempotent producer's records for good, as out of order, in a topic that is new.
        all.put("enable.idempotence", "false");
        all.put("max.in.flight.requests.per.connection", "1");
        producer = new KafkaProducer<>(all);
    }

    /** As many now. */
    void produce(String topic, int partition, int count) {
        for (int i = 0; i < count; i++) {
            producer.send(new ProducerRecord<>(topic, partition, NOTHING, NOTHING));
        }
        producer.flush();
    }

    /** As if the n-th partition had got the n-th count over the last seconds, evenly. */
    void past(String topic, int seconds, String[] counts) {
        long now = System.currentTimeMillis();
        for (int partition = 0; partition < counts.length; partition++) {
            long count = Long.parseLong(counts[partition]);
            for (long i = 0; i < count; i++) {
                // Time stamps rise with offsets, as they do in a log that was written in time.
                long time = now - seconds * 1000L + (2 * i + 1) * seconds * 1000L / (2 * count);
                producer.send(new ProducerRecord<>(topic, partition, time, NOTHING, NOTHING));
            }
        }
        producer.flush();
    }

    /** As if each partition had got its counts one after the other, each evenly over so many seconds; the last ones end then. */
    void course(String topic, long end, int seconds, String[] courses) {
        for (int partition = 0; partition < courses.length; partition++) {
            String[] counts = courses[partition].split(",");
            for (int step = 0; step < counts.length; step++) {
                long begin = (end - (long) (counts.length - step) * seconds) * 1000L;
                long count = Long.parseLong(counts[step]);
                for (long i = 0; i < count; i++) {
                    long time = begin + (2 * i + 1) * seconds * 1000L / (2 * count);
                    producer.send(new ProducerRecord<>(topic, partition, time, NOTHING, NOTHING));
                }
            }
        }
        producer.flush();
    }

    /** From now on the n-th partition gets the n-th number of records a second, until the process ends. */
    void flow(String topic, String[] rates) {
        List<Double> each = new ArrayList<>();
        for (String rate : rates) {
            each.add(Double.parseDouble(rate));
        }
        double[] owed = new double[each.size()];
        clock.scheduleAtFixedRate(() -> {
            for (int partition = 0; partition < owed.length; partition++) {
                owed[partition] += each.get(partition) * TICK_MILLIS / 1000;
                for (; owed[partition] >= 1; owed[partition]--) {
                    producer.send(new ProducerRecord<>(topic, partition, NOTHING, NOTHING));
                }
            }
        }, 0, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }
}
