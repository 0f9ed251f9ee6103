package golden;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.common.TopicPartition;

/** One situation as a line of JSON; names here need no escapes. */
final class Line {
    private Line() {
    }

    static String of(Map<String, Integer> topics, Collection<Consumer> members,
            Map<String, List<TopicPartition>> assignment) {
        String counts = topics.entrySet().stream().map(t -> quote(t.getKey()) + ":" + t.getValue())
                .collect(Collectors.joining(","));
        String consumers = members.stream().map(Line::member).collect(Collectors.joining(","));
        String given = new TreeMap<>(assignment).entrySet().stream()
                .map(a -> quote(a.getKey()) + ":" + partitions(a.getValue())).collect(Collectors.joining(","));
        return "{\"topics\":{" + counts + "},\"members\":[" + consumers + "],\"assignment\":{" + given + "}}";
    }

    private static String member(Consumer consumer) {
        String topics = consumer.topics.stream().map(Line::quote).collect(Collectors.joining(","));
        return "{\"id\":" + quote(consumer.id) + ",\"instance\":" + quote(consumer.instance) + ",\"topics\":[" + topics
                + "],\"owned\":" + partitions(consumer.owned) + ",\"generation\":" + consumer.generation + "}";
    }

    private static String partitions(Collection<TopicPartition> partitions) {
        Map<String, TreeSet<Integer>> byTopic = new TreeMap<>();
        partitions.forEach(p -> byTopic.computeIfAbsent(p.topic(), t -> new TreeSet<>()).add(p.partition()));
        return byTopic.entrySet().stream()
                .map(t -> quote(t.getKey()) + ":" + t.getValue().toString().replace(" ", ""))
                .collect(Collectors.joining(",", "{", "}"));
    }

    private static String quote(String text) {
        return text == null ? "null" : '"' + text + '"';
    }
}
