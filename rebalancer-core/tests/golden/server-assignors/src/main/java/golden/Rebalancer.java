package golden;

import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;

/** From a group's state to its new target: of each member, the partitions by topic. */
interface Rebalancer {
    /** The new target of each member. */
    Map<String, SortedMap<String, SortedSet<Integer>>> rebalance(Situation situation);
}
