package golden;

import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;

/** The assignors, and what each of them is told about earlier assignments. */
enum Kind {
    RANGE("range", RangeAssignor::new),
    ROUND_ROBIN("round-robin", RoundRobinAssignor::new),
    STICKY("sticky", StickyAssignor::new),
    COOPERATIVE_STICKY("cooperative-sticky", CooperativeStickyAssignor::new);

    final String file;
    private final Supplier<ConsumerPartitionAssignor> maker;

    Kind(String file, Supplier<ConsumerPartitionAssignor> maker) {
        this.file = file;
        this.maker = maker;
    }

    ConsumerPartitionAssignor make() {
        return maker.get();
    }

    /** Whether earlier assignments reach the assignor at all. */
    boolean remembers() {
        return this == STICKY || this == COOPERATIVE_STICKY;
    }
}
