package golden;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;

/** The seeded life of one group: members come, go, are replaced, and change their minds between rebalances. */
final class Story {
    /** How large a group is to start with and how its topics are cut. */
    record Size(int members, int topics, int partitions) {}

    private final Random random;
    private final boolean unequal;
    final Situation now = new Situation();

    Story(long seed, Size size, boolean unequal) {
        this.random = new Random(seed);
        this.unequal = unequal;
        for (int topic = 0; topic < size.topics; topic++) {
            now.topics.put(String.format("t%02d", topic), 1 + random.nextInt(2 * size.partitions / size.topics));
        }
        SortedSet<String> first = subscription();
        join(size.members, first);
    }

    /** What happens before the next rebalance. */
    void change() {
        switch (random.nextInt(10)) {
            case 0, 1 -> leave(1 + random.nextInt(3));
            case 2, 3 -> join(1 + random.nextInt(3), anybody().topics);
            case 4, 5 -> {
                int count = 1 + random.nextInt(Math.min(4, now.members.size()));
                SortedSet<String> topics = anybody().topics;
                leave(count);
                join(count, topics);
            }
            case 6 -> returnUnderANewId();
            case 7 -> now.topics.computeIfPresent(pick(List.copyOf(now.topics.keySet())),
                (name, count) -> count + 1 + random.nextInt(5));
            case 8 -> changeSubscriptions();
            default -> { }
        }
    }

    private void join(int count, SortedSet<String> topics) {
        for (int i = 0; i < count; i++) {
            Situation.Member member = new Situation.Member(newId(), random.nextInt(5) == 0 ? "i" + newId() : null);
            member.topics = unequal ? subscription() : new TreeSet<>(topics);
            now.members.put(member.id, member);
        }
    }

    /** Somebody always stays: without members there is no rebalance. */
    private void leave(int count) {
        for (int i = 0; i < count && now.members.size() > 1; i++) {
            now.members.remove(anybody().id);
        }
    }

    /** A static member comes back with its instance id and its target; any other one comes back with nothing. */
    private void returnUnderANewId() {
        Situation.Member old = anybody();
        Situation.Member member = new Situation.Member(newId(), old.instance);
        member.topics = old.topics;
        if (old.instance != null) {
            member.owned = old.owned;
            member.epoch = old.epoch;
        }
        now.members.remove(old.id);
        now.members.put(member.id, member);
    }

    /** One member's, or, where they are to be equal, mostly everybody's. */
    private void changeSubscriptions() {
        SortedSet<String> topics = subscription();
        if (unequal || random.nextInt(3) == 0) {
            anybody().topics = topics;
        } else {
            now.members.values().forEach(member -> member.topics = new TreeSet<>(topics));
        }
    }

    private SortedSet<String> subscription() {
        SortedSet<String> chosen = new TreeSet<>(now.topics.keySet());
        chosen.removeIf(topic -> random.nextInt(3) == 0);
        if (chosen.isEmpty()) {
            chosen.add(pick(List.copyOf(now.topics.keySet())));
        }
        return chosen;
    }

    private Situation.Member anybody() {
        return pick(new ArrayList<>(now.members.values()));
    }

    private <T> T pick(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    /** As the consumers make them, but shorter. */
    private String newId() {
        byte[] bytes = new byte[6];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().encodeToString(bytes);
    }
}
