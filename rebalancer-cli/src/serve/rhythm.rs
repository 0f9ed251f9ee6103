//! When the next cycle of a workload begins. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// How often cycles begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    /// From one beginning to the next.
    pub(super) interval: Duration,
    /// From an end to the next beginning, at least.
    pub(super) shortest: Duration,
}

impl Rhythm {
    /// The first cycle of one of several workloads, so that not all of them begin at once.
    pub(super) fn first(&self, now: Instant, index: usize, of: usize) -> Instant {
        let (index, of) = (u32::try_from(index).unwrap_or(0), u32::try_from(of.max(1)).unwrap_or(1));
        now + self.shortest.min(self.interval) * index / of
    }

    /// The next one, where nothing changes.
    pub(super) fn next(&self, began: Instant, ended: Instant) -> Instant {
        (began + self.interval).max(self.soonest(ended))
    }

    /// The next one, where something has changed.
    pub(super) fn soonest(&self, ended: Instant) -> Instant {
        ended + self.shortest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RHYTHM: Rhythm = Rhythm { interval: Duration::from_secs(60), shortest: Duration::from_secs(15) };

    #[test]
    fn cycles_keep_their_interval_and_their_distance() {
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(RHYTHM.next(began, after(3)), after(60));
        assert_eq!(RHYTHM.next(began, after(50)), after(65), "a long cycle leaves others their time");
        assert_eq!(RHYTHM.soonest(after(3)), after(18));
    }

    #[test]
    fn first_cycles_are_spread_over_the_shortest_interval() {
        let now = Instant::now();
        let firsts: Vec<Duration> = (0..5).map(|index| RHYTHM.first(now, index, 5) - now).collect();
        assert_eq!(firsts, [0, 3, 6, 9, 12].map(Duration::from_secs));
        assert_eq!(RHYTHM.first(now, 0, 0), now);
    }
}
