package harness;

import java.net.InetAddress;
import java.net.UnknownHostException;
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
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** One consumer with a thread of its own. It holds partitions and fetches nothing. */
final class Member implements ConsumerRebalanceListener {
    /** All have the same unless told otherwise, as pods of one image do. */
    private static final String CLIENT_ID = "pod";
    private static final String PACKAGE = "org.apache.kafka.clients.consumer.";
    private static final Map<String, String> ASSIGNORS = Map.of(
            "range", PACKAGE + "RangeAssignor",
            "roundrobin", PACKAGE + "RoundRobinAssignor",
            "sticky", PACKAGE + "StickyAssignor",
            "cooperative-sticky", PACKAGE + "CooperativeStickyAssignor",
            "not-range", Misnomer.class.getName(),
            "stream", Misnomer.Streams.class.getName());

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final LinkedBlockingQueue<Runnable> orders = new LinkedBlockingQueue<>();
    private final Thread thread;
    private volatile String state = ":";
    private volatile boolean open = true;

    private Member(Properties settings, String topics) {
        consumer = new KafkaConsumer<>(settings);
        if (!topics.startsWith("^")) {
            consumer.subscribe(List.of(topics.split(",")), this);
        } else if ("consumer".equals(settings.get("group.protocol"))) {
            consumer.subscribe(new SubscriptionPattern(topics), this);
        } else {
            consumer.subscribe(Pattern.compile(topics), this);
        }
        thread = new Thread(this::run, "member");
        thread.start();
    }

    /** A consumer with these settings besides the usual ones; host is the local address that it connects from. */
    static Member start(String bootstrap, String group, String topics, String protocol, Map<String, String> more)
            throws UnknownHostException {
        Properties all = settings(bootstrap, group, protocol);
        all.putAll(more);
        String host = (String) all.remove("host");
        if (host == null) {
            return new Member(all, topics);
        }
        Bound.connectFrom(InetAddress.getByName(host));
        try {
            return new Member(all, topics);
        } finally {
            Bound.connectFrom(null);
        }
    }

    private static Properties settings(String bootstrap, String group, String protocol) {
        Properties all = new Properties();
        all.put("bootstrap.servers", bootstrap);
        all.put("group.id", group);
        all.put("client.id", CLIENT_ID);
        all.put("enable.auto.commit", "false");
        all.put("auto.offset.reset", "earliest");
        all.put("key.deserializer", ByteArrayDeserializer.class.getName());
        all.put("value.deserializer", ByteArrayDeserializer.class.getName());
        if (protocol.equals("consumer")) {
            all.put("group.protocol", "consumer");
        } else {
            all.put("session.timeout.ms", "10000");
            all.put("heartbeat.interval.ms", "500");
            all.put("partition.assignment.strategy", ASSIGNORS.get(protocol));
        }
        return all;
    }

    private void run() {
        try {
            while (open) {
                consumer.poll(Duration.ofMillis(100));
                show();
                for (Runnable order = orders.poll(); order != null; order = orders.poll()) {
                    order.run();
                }
            }
        } catch (WakeupException asked) {
            // to leave
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

    /** Begins to leave, at once, as a consumer does that is asked to stop. */
    void leave() {
        open = false;
        consumer.wakeup();
    }

    boolean hasLeft() {
        return !open && !thread.isAlive();
    }

    void join() throws InterruptedException {
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
