package golden;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.apache.kafka.common.TopicPartition;

/** A group's life: a first assignment from nothing, then one random event before each further rebalance. */
final class Story {
    private static final String[] CLIENTS = {"app", "consumer-orders-1", "svc", "Worker", "b"};

    private final Random random;
    private final Fleet fleet;
    private final boolean unequal;
    private final double staticShare;
    private int made;

    Story(Kind kind, long seed, int members, int topics, int partitions, List<String> lines) {
        random = new Random(seed);
        fleet = new Fleet(kind, lines);
        unequal = random.nextBoolean();
        staticShare = random.nextInt(3) == 0 ? 0.4 : 0;
        for (int i = 0; i < topics; i++) {
            newTopic(1 + random.nextInt(Math.max(1, 2 * partitions / topics - 1)));
        }
        for (int i = 0; i < members; i++) {
            join();
        }
    }

    /** Tells the story; returns how often the real assignor threw. */
    int tell(int events) {
        fleet.rebalance();
        for (int i = 0; i < events; i++) {
            event();
            fleet.members.values().forEach(Consumer::dropUnsubscribed);
            fleet.rebalance();
        }
        return fleet.failures;
    }

    private void event() {
        switch (random.nextInt(fleet.kind.remembers() ? 16 : 10)) {
            case 0 -> leave(some());
            case 1 -> times(some(), this::join);
            case 2, 3 -> replace(some());
            case 4 -> returns(false);
            case 5 -> returns(true);
            case 6 -> resubscribe(some());
            case 7 -> grow();
            case 8 -> fleetWideTopic();
            case 9 -> shrinkAndGrow();
            case 10 -> claimInThePast();
            case 11 -> claimNow();
            case 12 -> sitOut();
            case 13, 14 -> pileUp();
            default -> {
                claimInThePast();
                claimNow();
                resubscribe(1);
            }
        }
    }

    private int some() {
        return 1 + random.nextInt(Math.max(1, fleet.members.size() / 2));
    }

    private static void times(int count, Runnable action) {
        for (int i = 0; i < count; i++) {
            action.run();
        }
    }

    private Consumer any() {
        List<Consumer> all = new ArrayList<>(fleet.members.values());
        return all.get(random.nextInt(all.size()));
    }

    private String newId() {
        return CLIENTS[random.nextInt(CLIENTS.length)] + "-" + Integer.toHexString(random.nextInt(0x100000)) + made++;
    }

    private void newTopic(int partitions) {
        fleet.topics.put("t" + (char) ('a' + random.nextInt(26)) + fleet.topics.size(), partitions);
    }

    private TreeSet<String> interests() {
        List<String> all = new ArrayList<>(fleet.topics.keySet());
        if (!unequal) {
            return new TreeSet<>(all);
        }
        Collections.shuffle(all, random);
        return new TreeSet<>(all.subList(0, 1 + random.nextInt(all.size())));
    }

    private void join() {
        String instance = random.nextDouble() < staticShare ? "i-" + Integer.toHexString(random.nextInt(0x1000)) + made : null;
        fleet.add(new Consumer(fleet.kind, newId(), instance, interests()));
    }

    /** Never the last one: a group without members has no assignment. */
    private void leave(int count) {
        times(Math.min(count, fleet.members.size() - 1), () -> fleet.members.remove(any().id));
    }

    private void replace(int count) {
        int gone = Math.min(count, fleet.members.size() - 1);
        leave(gone);
        times(gone, this::join);
    }

    /** The same consumer under a new member id, after a restart or after the coordinator had lost it. */
    private void returns(boolean restarted) {
        Consumer old = any();
        fleet.members.remove(old.id);
        if (random.nextBoolean()) {
            fleet.generation++;
        }
        fleet.add(restarted ? old.restarted(newId()) : old.renamed(newId()));
    }

    private void resubscribe(int count) {
        times(count, () -> {
            Consumer consumer = any();
            TreeSet<String> wanted = new TreeSet<>(fleet.topics.keySet());
            wanted.removeIf(t -> random.nextInt(3) == 0);
            // A pattern that matches nothing, or nothing yet: no topics at all.
            if (!wanted.isEmpty() || random.nextInt(3) == 0) {
                consumer.topics.clear();
                consumer.topics.addAll(wanted);
            }
        });
    }

    private void grow() {
        List<String> all = new ArrayList<>(fleet.topics.keySet());
        fleet.topics.merge(all.get(random.nextInt(all.size())), 1 + random.nextInt(6), Integer::sum);
    }

    /** Everybody follows one more topic, or everybody follows the same again. */
    private void fleetWideTopic() {
        if (fleet.topics.size() < 6 && random.nextBoolean()) {
            newTopic(1 + random.nextInt(12));
        }
        fleet.members.values().forEach(c -> c.topics.addAll(fleet.topics.keySet()));
    }

    /** A member that missed rebalances comes back with what it once held. */
    private void claimInThePast() {
        Consumer consumer = any();
        consumer.remember(loot(consumer), Math.max(0, fleet.generation - 1 - random.nextInt(3)));
        if (random.nextInt(4) == 0 && fleet.kind == Kind.COOPERATIVE_STICKY) {
            consumer.forgetGeneration();
        }
    }

    /** Two members, or three, claim the same partitions in the same generation. */
    private void claimNow() {
        times(1 + random.nextInt(2), () -> {
            Consumer consumer = any();
            consumer.remember(loot(consumer), fleet.generation);
        });
    }

    /** Some members miss a rebalance in which others join, and come back with their old claims. */
    private void sitOut() {
        List<Consumer> absent = new ArrayList<>();
        times(Math.min(some(), fleet.members.size() - 1), () -> absent.add(fleet.members.remove(any().id)));
        join();
        fleet.rebalance();
        absent.forEach(fleet::add);
    }

    /** One or two members hold everything before the others come. */
    private void shrinkAndGrow() {
        int before = fleet.members.size();
        leave(before - 1 - random.nextInt(2));
        fleet.rebalance();
        times(before + random.nextInt(3) - fleet.members.size(), this::join);
    }

    /** Three members or more claim the same partitions in generations of their own. */
    private void pileUp() {
        List<TopicPartition> wanted = loot(any());
        times(2 + random.nextInt(4), () -> {
            Consumer consumer = any();
            TreeSet<String> seen = new TreeSet<>();
            List<TopicPartition> claims = new ArrayList<>(wanted);
            claims.addAll(consumer.owned);
            claims.removeIf(p -> !seen.add(p.toString()) || random.nextInt(6) == 0);
            consumer.remember(claims, Math.max(0, fleet.generation - random.nextInt(3)));
        });
    }

    private List<TopicPartition> loot(Consumer consumer) {
        TreeSet<String> seen = new TreeSet<>();
        List<TopicPartition> result = new ArrayList<>(consumer.owned);
        result.forEach(p -> seen.add(p.toString()));
        for (TopicPartition p : any().owned) {
            if (random.nextInt(3) > 0 && seen.add(p.toString())) {
                result.add(p);
            }
        }
        return result;
    }
}
