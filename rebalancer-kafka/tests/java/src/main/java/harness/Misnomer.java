package harness;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/** Assignors that give partitions by another rule than the one whose name they have, as clients in other languages may. */
public class Misnomer extends RangeAssignor {
    /** Called by the consumer. */
    public Misnomer() {
    }

    @Override
    public Map<String, List<TopicPartition>> assignPartitions(Map<String, List<PartitionInfo>> partitionsPerTopic,
            Map<String, Subscription> subscriptions) {
        List<String> members = new ArrayList<>(subscriptions.keySet());
        Collections.sort(members);
        Map<String, List<TopicPartition>> all = new HashMap<>();
        members.forEach(member -> all.put(member, new ArrayList<>()));
        partitionsPerTopic.forEach((topic, partitions) -> {
            for (int partition = 0; partition < partitions.size(); partition++) {
                // Neither in blocks nor in turn.
                int place = partition * partition % members.size();
                all.get(members.get(place)).add(new TopicPartition(topic, partition));
            }
        });
        return all;
    }

    /** The name that the classic protocol of Kafka Streams has for its assignor. */
    public static final class Streams extends RangeAssignor {
        /** Called by the consumer. */
        public Streams() {
        }

        @Override
        public String name() {
            return "stream";
        }
    }
}
