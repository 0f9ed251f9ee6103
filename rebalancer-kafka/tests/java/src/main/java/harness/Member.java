package harness;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** One consumer with a thread of its own. It holds partitions and fetches nothing. */
final class Member implements ConsumerRebalanceListener {
    /** All have the same, as pods of one image do. */
    private static final String CLIENT_ID = "pod";
    private static final Map<String, String> ASSIGNORS = Map.of(
            "range", "RangeAssignor",
            "roundrobin", "RoundRobinAssignor",
            "sticky", "StickyAssignor",
            "cooperative-sticky", "CooperativeStickyAssignor");

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final LinkedBlockingQueue<Runnable> orders = new LinkedBlockingQueue<>();
    private final Thread thread;
    private volatile String state = ":";
    private volatile boolean open = true;

    Member(String bootstrap, String group, String topics, String protocol, String instance) {
        consumer = new KafkaConsumer<>(settings(bootstrap, group, protocol, instance));
        if (!topics.startsWith("^")) {
            consumer.subscribe(List.of(topics.split(",")), this);
        } else if (protocol.equals("consumer")) {
            consumer.subscribe(new SubscriptionPattern(topics), this);
        } else {
            consumer.subscribe(Pattern.compile(topics), this);
        }
        thread = new Thread(this::run, "member");
        thread.start();
    }

    private static Properties settings(String bootstrap, String group, String protocol, String instance) {
        Properties all = new Properties();
        all.put("bootstrap.servers", bootstrap);
        all.put("group.id", group);
        all.put("client.id", CLIENT_ID);
        all.put("enable.auto.commit", "false");
        all.put("auto.offset.reset", "earliest");
        all.put("key.deserializer", ByteArrayDeserializer.class.getName());
        all.put("value.deserializer", ByteArrayDeserializer.class.getName());
        if (instance != null) {
            all.put("group.instance.id", instance);
        }
        if (protocol.equals("consumer")) {
            all.put("group.protocol", "consumer");
        } else {
            all.put("session.timeout.ms", "10000");
            all.put("heartbeat.interval.ms", "500");
            all.put("partition.assignment.strategy",
                    "org.apache.kafka.clients.consumer." + ASSIGNORS.get(protocol));
        }
        return all;
    }

    private void run() {
        while (open) {
            consumer.poll(Duration.ofMillis(100));
            show();
            for (Runnable order = orders.poll(); order != null; order = orders.poll()) {
                order.run();
            }
        }
        consumer.close();
    }

    private void show() {
        TreeSet<String> partitions = consumer.assignment().stream().map(TopicPartition::toString)
                .collect(Collectors.toCollection(TreeSet::new));
        state = consumer.groupMetadata().memberId() + ":" + String.join(",", partitions);
    }

    String held() {
        return state;
    }

    void commit(String topic, int partition, long offset) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        orders.add(() -> {
            consumer.commitSync(Map.of(new TopicPartition(topic, partition), new OffsetAndMetadata(offset)));
            done.countDown();
        });
        if (!done.await(30, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the commit was not done");
        }
    }

    void close() throws InterruptedException {
        open = false;
        thread.join();
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        consumer.pause(partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        // nothing is lost: nothing was fetched
    }
}
