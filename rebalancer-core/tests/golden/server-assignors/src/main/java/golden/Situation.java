package golden;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What an assignor sees at one rebalance: topics, members, and what each member's target was before. */
final class Situation {
    /** A member of the group; {@code epoch} is null for one that never had a target. */
    static final class Member {
        final String id;
        final String instance;
        SortedSet<String> topics = new TreeSet<>();
        SortedMap<String, SortedSet<Integer>> owned = new TreeMap<>();
        Integer epoch;

        Member(String id, String instance) {
            this.id = id;
            this.instance = instance;
        }

        private String json(Set<String> known) {
            SortedMap<String, SortedSet<Integer>> held = new TreeMap<>(owned);
            held.keySet().retainAll(known);
            String subscriptions = topics.stream().map(Situation::quoted).collect(Collectors.joining(",", "[", "]"));
            return "{\"id\":" + quoted(id) + ",\"instance\":" + (instance == null ? "null" : quoted(instance))
                + ",\"topics\":" + subscriptions + ",\"owned\":" + partitions(held) + ",\"generation\":" + epoch + "}";
        }
    }

    final SortedMap<String, Integer> topics = new TreeMap<>();
    final SortedMap<String, Member> members = new TreeMap<>();

    /** The topics that anybody subscribes to: only those are part of what the assignor is asked. */
    SortedMap<String, Integer> subscribedTopics() {
        Set<String> names = members.values().stream().flatMap(m -> m.topics.stream()).collect(Collectors.toSet());
        SortedMap<String, Integer> seen = new TreeMap<>(topics);
        seen.keySet().retainAll(names);
        return seen;
    }

    /** One line of the data file. What is owned of topics that nobody subscribes to can't be said there. */
    String line(Map<String, SortedMap<String, SortedSet<Integer>>> assignment) {
        SortedMap<String, Integer> seen = subscribedTopics();
        StringJoiner counts = new StringJoiner(",", "{", "}");
        seen.forEach((name, count) -> counts.add(quoted(name) + ":" + count));
        String all = members.values().stream()
            .map(member -> member.json(seen.keySet())).collect(Collectors.joining(",", "[", "]"));
        StringJoiner targets = new StringJoiner(",", "{", "}");
        assignment.forEach((id, target) -> targets.add(quoted(id) + ":" + partitions(target)));
        return "{\"topics\":" + counts + ",\"members\":" + all + ",\"assignment\":" + targets + "}";
    }

    static List<Integer> ascending(Collection<Integer> partitions) {
        return partitions.stream().sorted().toList();
    }

    private static String partitions(SortedMap<String, SortedSet<Integer>> held) {
        StringJoiner json = new StringJoiner(",", "{", "}");
        held.forEach((topic, ps) -> json.add(quoted(topic) + ":" + ps.toString().replace(" ", "")));
        return json.toString();
    }

    private static String quoted(String plain) {
        return '"' + plain + '"';
    }
}
