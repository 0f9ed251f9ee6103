package golden;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.internals.LogContext;
import org.apache.kafka.coordinator.common.runtime.CoordinatorMetadataDelta;
import org.apache.kafka.coordinator.common.runtime.CoordinatorMetadataImage;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecord;
import org.apache.kafka.coordinator.group.api.assignor.ConsumerGroupPartitionAssignor;
import org.apache.kafka.coordinator.group.api.assignor.MemberAssignment;
import org.apache.kafka.coordinator.group.generated.ConsumerGroupTargetAssignmentMemberKey;
import org.apache.kafka.coordinator.group.generated.ConsumerGroupTargetAssignmentMemberValue;
import org.apache.kafka.coordinator.group.modern.Assignment;
import org.apache.kafka.coordinator.group.modern.TargetAssignmentBuilder.ConsumerTargetAssignmentBuilder;
import org.apache.kafka.coordinator.group.modern.TargetAssignmentBuilder.TargetAssignmentResult;
import org.apache.kafka.coordinator.group.modern.consumer.ConsumerGroup;
import org.apache.kafka.coordinator.group.modern.consumer.ConsumerGroupMember;
import org.apache.kafka.timeline.SnapshotRegistry;

/**
 * The broker's own classes from a group's state to its new target: its group, its hash maps and their order, its
 * records, its builder and its assignor.
 *
 * <p>Two ways. {@code fresh}: the group is set up anew for every situation, members in order of their ids, owned
 * partitions ascending, so that the result depends on nothing that a data line doesn't say. {@code live}: one group
 * goes through all changes, and its hash tables keep the traces; used to measure what {@code fresh} leaves out.
 */
final class Coordinator implements Rebalancer {
    private final ConsumerGroupPartitionAssignor assignor;
    private final boolean live;
    private ConsumerGroup group = newGroup();

    Coordinator(ConsumerGroupPartitionAssignor assignor, boolean live) {
        this.assignor = assignor;
        this.live = live;
    }


    @Override
    public Map<String, SortedMap<String, SortedSet<Integer>>> rebalance(Situation situation) {
        if (!live) {
            group = newGroup();
        }
        bringUpToDate(situation);
        TargetAssignmentResult result = new ConsumerTargetAssignmentBuilder("group", 1, assignor)
            .withTime(Time.SYSTEM)
            .withMembers(group.members())
            .withSubscriptionType(group.subscriptionType())
            .withTargetAssignment(group.targetAssignment())
            .withInvertedTargetAssignment(group.invertedTargetAssignment())
            .withMetadataImage(new Image(situation.topics))
            .build();
        result.records().forEach(this::replay);
        return byName(situation, result.targetAssignment());
    }

    private void bringUpToDate(Situation situation) {
        for (String left : new ArrayList<>(group.members().keySet())) {
            if (!situation.members.containsKey(left)) {
                group.removeTargetAssignment(left);
                group.removeMember(left);
            }
        }
        situation.members.values().forEach(member -> {
            group.updateMember(new ConsumerGroupMember.Builder(member.id)
                .setInstanceId(member.instance)
                .setSubscribedTopicNames(List.copyOf(member.topics))
                .build());
            if (!group.targetAssignment().containsKey(member.id) && !member.owned.isEmpty()) {
                group.updateTargetAssignment(member.id, Assignment.fromRecord(record(member)));
            }
        });
    }

    private static ConsumerGroupTargetAssignmentMemberValue record(Situation.Member member) {
        var topics = new ArrayList<ConsumerGroupTargetAssignmentMemberValue.TopicPartition>();
        member.owned.forEach((topic, partitions) -> topics.add(
            new ConsumerGroupTargetAssignmentMemberValue.TopicPartition()
                .setTopicId(id(topic))
                .setPartitions(Situation.ascending(partitions))));
        return new ConsumerGroupTargetAssignmentMemberValue().setTopicPartitions(topics);
    }

    private void replay(CoordinatorRecord record) {
        if (record.key() instanceof ConsumerGroupTargetAssignmentMemberKey key) {
            var value = (ConsumerGroupTargetAssignmentMemberValue) record.value().message();
            group.updateTargetAssignment(key.memberId(), Assignment.fromRecord(value));
        }
    }

    private static Map<String, SortedMap<String, SortedSet<Integer>>> byName(
        Situation situation, Map<String, MemberAssignment> targets) {
        Map<String, SortedMap<String, SortedSet<Integer>>> named = new TreeMap<>();
        situation.members.keySet().forEach(id -> {
            SortedMap<String, SortedSet<Integer>> target = new TreeMap<>();
            Optional.ofNullable(targets.get(id)).ifPresent(found -> found.partitions().forEach(
                (topic, partitions) -> target.put(name(topic), new TreeSet<>(partitions))));
            named.put(id, target);
        });
        return named;
    }

    private static ConsumerGroup newGroup() {
        LogContext log = new LogContext();
        return new ConsumerGroup(log, new SnapshotRegistry(log), "group");
    }

    /**
     * Ids whose natural order, and whose order in small hash tables, is the order of the names. On a real cluster
     * they are random, so the order of topics there is, too. (0 and 1 are reserved.)
     */
    private static Uuid id(String topic) {
        return new Uuid(0, 2 + Integer.parseInt(topic.substring(1)));
    }

    private static String name(Uuid id) {
        return String.format("t%02d", id.getLeastSignificantBits() - 2);
    }

    private record Topic(String name, Uuid id, int partitionCount)
        implements CoordinatorMetadataImage.TopicMetadata {
        @Override
        public List<String> partitionRacks(int partition) {
            return List.of();
        }
    }

    /** The cluster's topics, as the coordinator sees them. */
    private record Image(SortedMap<String, Integer> topics) implements CoordinatorMetadataImage {
        @Override
        public Set<Uuid> topicIds() {
            Set<Uuid> ids = new HashSet<>();
            topics.keySet().forEach(topic -> ids.add(id(topic)));
            return ids;
        }

        @Override
        public Set<String> topicNames() {
            return new LinkedHashSet<>(topics.keySet());
        }

        @Override
        public Optional<TopicMetadata> topicMetadata(String name) {
            return Optional.ofNullable(topics.get(name)).map(count -> new Topic(name, id(name), count));
        }

        @Override
        public Optional<TopicMetadata> topicMetadata(Uuid id) {
            return topicMetadata(name(id));
        }

        @Override
        public CoordinatorMetadataDelta emptyDelta() {
            throw new UnsupportedOperationException();
        }

        @Override
        public long version() {
            return 1;
        }

        @Override
        public boolean isEmpty() {
            return topics.isEmpty();
        }
    }
}
