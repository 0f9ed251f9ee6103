package golden;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.common.TopicPartition;

/** One member with an assignor instance of its own, as in a real client. */
final class Consumer {
    private static final int NO_GENERATION = -1;

    final Kind kind;
    final String id;
    final String instance;
    final TreeSet<String> topics;
    final ConsumerPartitionAssignor assignor;
    List<TopicPartition> owned = List.of();
    Integer generation;

    Consumer(Kind kind, String id, String instance, Collection<String> topics) {
        this.kind = kind;
        this.id = id;
        this.instance = instance;
        this.topics = new TreeSet<>(topics);
        this.assignor = kind.make();
    }

    /** The same process under a new member id: an eager assignor still remembers what it once held. */
    Consumer renamed(String newId) {
        Consumer again = new Consumer(kind, newId, instance, topics);
        if (kind == Kind.STICKY && generation != null) {
            again.remember(owned, generation);
        }
        return again;
    }

    /** A new process under a new member id: it remembers nothing. */
    Consumer restarted(String newId) {
        return new Consumer(kind, newId, instance, topics);
    }

    /** What the client does when an assignment arrives. */
    void remember(Collection<TopicPartition> partitions, int newGeneration) {
        owned = new ArrayList<>(partitions);
        generation = newGeneration;
        assignor.onAssignment(new Assignment(owned),
                new ConsumerGroupMetadata("golden", newGeneration, id, Optional.ofNullable(instance)));
    }

    /** Owned partitions that the client no longer knows the generation of. */
    void forgetGeneration() {
        generation = null;
        assignor.onAssignment(new Assignment(owned),
                new ConsumerGroupMetadata("golden", NO_GENERATION, id, Optional.ofNullable(instance)));
    }

    /** A cooperative client gives up partitions of topics that it has left before it joins again. */
    void dropUnsubscribed() {
        if (kind == Kind.COOPERATIVE_STICKY) {
            owned = owned.stream().filter(p -> topics.contains(p.topic())).toList();
        }
    }

    /** What the client sends to the group's leader; eager clients hold nothing when they join. */
    Subscription subscription() {
        List<TopicPartition> sent = kind == Kind.COOPERATIVE_STICKY ? owned : List.of();
        Subscription subscription = new Subscription(List.copyOf(topics), assignor.subscriptionUserData(topics), sent,
                generation == null ? NO_GENERATION : generation, Optional.empty());
        subscription.setGroupInstanceId(Optional.ofNullable(instance));
        return subscription;
    }
}
