package golden;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.coordinator.group.api.assignor.ConsumerGroupPartitionAssignor;
import org.apache.kafka.coordinator.group.api.assignor.SubscribedTopicDescriber;
import org.apache.kafka.coordinator.group.api.assignor.SubscriptionType;
import org.apache.kafka.coordinator.group.assignor.RangeAssignor;
import org.apache.kafka.coordinator.group.assignor.UniformAssignor;
import org.apache.kafka.coordinator.group.modern.Assignment;
import org.apache.kafka.coordinator.group.modern.GroupSpecImpl;
import org.apache.kafka.coordinator.group.modern.MemberSubscriptionAndAssignmentImpl;
import org.apache.kafka.timeline.SnapshotRegistry;
import org.apache.kafka.timeline.TimelineHashMap;

/**
 * The same stories, told to the assignors alone, with no more of the broker than all releases since 4.0.0 have: members
 * go through the coordinator's own table and then through a hash map, as its builder of assignments has them.
 */
public final class Release implements Rebalancer {
    private final ConsumerGroupPartitionAssignor assignor;

    private Release(ConsumerGroupPartitionAssignor assignor) {
        this.assignor = assignor;
    }

    /** Writes both files into the folder that is the argument. */
    public static void main(String[] arguments) throws IOException {
        Path folder = Files.createDirectories(Path.of(arguments[0]));
        Stories.write(folder.resolve("uniform.jsonl"), () -> new Release(new UniformAssignor()));
        Stories.write(folder.resolve("server-range.jsonl"), () -> new Release(new RangeAssignor()));
    }

    @Override
    public Map<String, SortedMap<String, SortedSet<Integer>>> rebalance(Situation situation) {
        SnapshotRegistry registry = registry();
        TimelineHashMap<String, Situation.Member> table = new TimelineHashMap<>(registry, 0);
        situation.members.values().forEach(member -> table.put(member.id, member));
        Map<String, MemberSubscriptionAndAssignmentImpl> members = new HashMap<>();
        table.forEach((id, member) -> members.put(id, spec(member, situation)));
        Map<Uuid, Map<Integer, String>> holders = new HashMap<>();
        situation.members.values().forEach(member -> member.owned.forEach((topic, partitions) -> partitions.forEach(
            partition -> holders.computeIfAbsent(id(topic), any -> new HashMap<>()).put(partition, member.id))));
        var spec = new GroupSpecImpl(members, type(situation), holders);
        Map<String, SortedMap<String, SortedSet<Integer>>> named = new TreeMap<>();
        assignor.assign(spec, new Describer(situation.topics)).members().forEach((id, target) -> {
            SortedMap<String, SortedSet<Integer>> held = new TreeMap<>();
            target.partitions().forEach((topic, partitions) -> held.put(name(topic), new TreeSet<>(partitions)));
            named.put(id, held);
        });
        situation.members.keySet().forEach(id -> named.putIfAbsent(id, new TreeMap<>()));
        return named;
    }

    private static MemberSubscriptionAndAssignmentImpl spec(Situation.Member member, Situation situation) {
        Set<Uuid> subscribed = new HashSet<>();
        member.topics.stream().filter(situation.topics::containsKey).forEach(topic -> subscribed.add(id(topic)));
        Map<Uuid, Set<Integer>> held = new HashMap<>();
        member.owned.forEach((topic, partitions) -> held.put(id(topic), new HashSet<>(Situation.ascending(partitions))));
        return new MemberSubscriptionAndAssignmentImpl(
            Optional.empty(), Optional.ofNullable(member.instance), subscribed,
            new Assignment(Collections.unmodifiableMap(held)));
    }

    private static SubscriptionType type(Situation situation) {
        long kinds = situation.members.values().stream().map(member -> member.topics).distinct().count();
        return kinds > 1 ? SubscriptionType.HETEROGENEOUS : SubscriptionType.HOMOGENEOUS;
    }

    /** What it is given for its log has moved to another package. */
    private static SnapshotRegistry registry() {
        for (var made : SnapshotRegistry.class.getConstructors()) {
            if (made.getParameterCount() == 1) {
                try {
                    return (SnapshotRegistry) made.newInstance(
                        made.getParameterTypes()[0].getConstructor().newInstance());
                } catch (ReflectiveOperationException error) {
                    throw new IllegalStateException(error);
                }
            }
        }
        throw new IllegalStateException("a registry is made otherwise in this release");
    }

    private static Uuid id(String topic) {
        return new Uuid(0, 2 + Integer.parseInt(topic.substring(1)));
    }

    private static String name(Uuid id) {
        return String.format("t%02d", id.getLeastSignificantBits() - 2);
    }

    private record Describer(SortedMap<String, Integer> topics) implements SubscribedTopicDescriber {
        @Override
        public int numPartitions(Uuid topic) {
            return topics.getOrDefault(name(topic), -1);
        }

        @Override
        public Set<String> racksForPartition(Uuid topic, int partition) {
            return Set.of();
        }
    }
}
