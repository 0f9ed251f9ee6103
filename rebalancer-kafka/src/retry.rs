//! Tries again after failures that pass by themselves, until a deadline that holds for all attempts together.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::failure::Failure;
use crate::meter::Meter;

/// Longer than anybody means, and short enough to be added to any time.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The end of what begins now and may take this long.
pub(crate) fn end_of(limit: Duration) -> Instant {
    Instant::now() + limit.min(LONGEST)
}

/// The attempts of one call of the port.
pub(crate) struct Attempts<'a> {
    limit: Duration,
    end: Instant,
    request: Duration,
    pauses: ExponentialBackoff,
    meter: &'a Meter,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(limit: Duration, end: Instant, request: Duration, meter: &'a Meter) -> Self {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(8)
            .with_jitter()
            .build();
        Self { limit, end, request, pauses, meter }
    }

    /// How long the next request may take.
    pub(crate) fn next(&self) -> Result<Duration, Failure> {
        match self.end.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(Failure::OutOfTime(self.limit)),
            left => Ok(left.min(self.request)),
        }
    }

    /// Waits until the next attempt, or says that there is none.
    pub(crate) async fn pause(&mut self, failure: Failure) -> Result<(), Failure> {
        self.meter.error();
        if !failure.passes() {
            return Err(failure);
        }
        let Some(pause) = self.pauses.next() else { return Err(failure) };
        if pause >= self.end.saturating_duration_since(Instant::now()) {
            return Err(failure);
        }
        let delay_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        warn!(event = "kafka_retry", delay_ms, error = failure.message(), "a request failed and is repeated");
        sleep(pause).await;
        self.meter.retry();
        Ok(())
    }
}
