package golden;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/** A group and its topics; each rebalance asks the real assignor and writes one line. */
final class Fleet {
    private static final int MOST_FOLLOW_UPS = 6;
    private static final Node BROKER = new Node(1, "broker", 9092);

    final Kind kind;
    final TreeMap<String, Integer> topics = new TreeMap<>();
    /** By member id, which is also the order in which the leader hears of them. */
    final TreeMap<String, Consumer> members = new TreeMap<>();
    int generation;
    /** Situations in which the real assignor throws. */
    int failures;
    private final List<String> lines;

    Fleet(Kind kind, List<String> lines) {
        this.kind = kind;
        this.lines = lines;
    }

    void add(Consumer consumer) {
        members.put(consumer.id, consumer);
    }

    /** Rebalances, and again as long as a cooperative member had to give something up. */
    void rebalance() {
        for (int i = 0; i < MOST_FOLLOW_UPS && rebalanceOnce(); i++) {
            // the next one follows from the revocations of this one
        }
    }

    private boolean rebalanceOnce() {
        Map<String, Subscription> subscriptions = new HashMap<>();
        members.forEach((id, consumer) -> subscriptions.put(id, consumer.subscription()));
        Map<String, List<TopicPartition>> given = new HashMap<>();
        try {
            kind.make().assign(cluster(), new GroupSubscription(subscriptions)).groupAssignment()
                    .forEach((id, assignment) -> given.put(id, assignment.partitions()));
        } catch (RuntimeException failure) {
            failures++;
            System.err.println(kind.file + ": " + failure + " at "
                    + (failure.getStackTrace().length > 0 ? failure.getStackTrace()[0] : "?"));
            return false;
        }
        lines.add(Line.of(mentioned(), members.values(), given));
        generation++;
        return deliver(given) && kind == Kind.COOPERATIVE_STICKY;
    }

    private boolean deliver(Map<String, List<TopicPartition>> given) {
        boolean revoked = false;
        for (Consumer consumer : members.values()) {
            Set<TopicPartition> now = new HashSet<>(given.get(consumer.id));
            revoked |= !now.containsAll(consumer.owned);
            if (kind.remembers()) {
                consumer.remember(now, generation);
            }
        }
        return revoked;
    }

    /** Topics that a member subscribes to or says it holds partitions of. */
    private Map<String, Integer> mentioned() {
        Map<String, Integer> result = new TreeMap<>();
        for (Consumer consumer : members.values()) {
            consumer.topics.forEach(t -> result.put(t, topics.get(t)));
            consumer.owned.forEach(p -> result.put(p.topic(), topics.get(p.topic())));
        }
        return result;
    }

    private Cluster cluster() {
        List<PartitionInfo> partitions = new ArrayList<>();
        Node[] replicas = {BROKER};
        topics.forEach((topic, count) -> {
            for (int i = 0; i < count; i++) {
                partitions.add(new PartitionInfo(topic, i, BROKER, replicas, replicas));
            }
        });
        return new Cluster("golden", List.of(BROKER), partitions, Set.of(), Set.of());
    }
}
