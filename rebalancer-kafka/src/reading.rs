//! The port: one consumer group, read until a deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use async_trait::async_trait;
use jiff::Timestamp;
use rebalancer_core::fleet::consumer_group::{ConsumerGroup, GroupOffsets, Reassignment, Topic, TopicConfig};
use rebalancer_core::port::{ApiErrors, GroupError, GroupReading, GroupSource, MissingAcl};
use tokio::time::Instant;

use crate::source::KafkaGroupSource;

/// Questions that have one deadline together.
struct Reading<'a> {
    source: &'a KafkaGroupSource,
    end: Instant,
}

/// Tries until it works, can't work, or the time is over.
macro_rules! persist {
    ($reading:ident, |$attempts:ident| $attempt:expr) => {{
        let mut $attempts = $reading.source.cluster.attempts_until($reading.end);
        loop {
            match $attempt.await {
                Ok(answer) => break Ok(answer),
                Err(failure) => {
                    if let Err(failure) = $attempts.pause(failure).await {
                        break Err(failure.into_error());
                    }
                }
            }
        }
    }};
}

#[async_trait]
impl GroupSource for Reading<'_> {
    async fn group(&self) -> Result<ConsumerGroup, GroupError> {
        persist!(self, |attempts| self.source.try_group(&attempts))?
    }

    async fn topics(&self, names: &BTreeSet<String>) -> Result<Vec<Topic>, GroupError> {
        persist!(self, |attempts| self.source.try_topics(&attempts, names))
    }

    async fn topic_configs(
        &self,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Result<TopicConfig, MissingAcl>>, GroupError> {
        persist!(self, |attempts| self.source.try_configs(&attempts, names))
    }

    async fn offsets(&self, topics: &[Topic], earlier: &[Timestamp]) -> Result<GroupOffsets, GroupError> {
        persist!(self, |attempts| self.source.try_offsets(&attempts, topics, earlier))
    }

    async fn reassignments(
        &self,
        topics: &[Topic],
    ) -> Result<Result<Vec<Reassignment>, MissingAcl>, GroupError> {
        persist!(self, |attempts| self.source.try_reassignments(&attempts, topics))
    }
}

impl KafkaGroupSource {
    /// The time begins to run now.
    fn begin(&self) -> Reading<'_> {
        Reading { source: self, end: self.cluster.deadline() }
    }

    /// When readings of this time end: the first of them began to run it down.
    fn end_of(&self, at: Timestamp) -> Instant {
        let mut known = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, end) =
            known.take().filter(|(of, _)| *of == at).unwrap_or_else(|| (at, self.cluster.deadline()));
        *known = Some((at, end));
        end
    }
}

#[async_trait]
impl GroupSource for KafkaGroupSource {
    async fn group(&self) -> Result<ConsumerGroup, GroupError> {
        self.begin().group().await
    }

    async fn topics(&self, names: &BTreeSet<String>) -> Result<Vec<Topic>, GroupError> {
        self.begin().topics(names).await
    }

    async fn topic_configs(
        &self,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Result<TopicConfig, MissingAcl>>, GroupError> {
        self.begin().topic_configs(names).await
    }

    async fn offsets(&self, topics: &[Topic], earlier: &[Timestamp]) -> Result<GroupOffsets, GroupError> {
        self.begin().offsets(topics, earlier).await
    }

    async fn reassignments(
        &self,
        topics: &[Topic],
    ) -> Result<Result<Vec<Reassignment>, MissingAcl>, GroupError> {
        self.begin().reassignments(topics).await
    }

    async fn reading(&self, earlier: Vec<Timestamp>, at: Timestamp) -> Result<GroupReading, GroupError> {
        let reading = Reading { source: self, end: self.end_of(at) };
        GroupReading::of(&reading, earlier, at).await
    }

    fn errors(&self) -> ApiErrors {
        self.cluster.meter.errors()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[tokio::test]
    async fn questions_of_a_reading_whose_time_is_over_are_not_asked() {
        let settings = Settings::new(vec!["127.0.0.1:1".parse().unwrap()], "orders").unwrap();
        let source = KafkaGroupSource::new(settings);
        let over = Reading { source: &source, end: Instant::now() };
        let names = BTreeSet::from(["events".to_owned()]);
        let errors = [
            over.group().await.unwrap_err(),
            over.topics(&names).await.unwrap_err(),
            over.topic_configs(&names).await.unwrap_err(),
            over.reassignments(&[]).await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains("all tries together"), "{error}");
        }
        assert_eq!(source.usage().connections, 0);
    }

    #[tokio::test]
    async fn readings_of_one_time_have_one_deadline_and_those_of_another_their_own() {
        let settings = Settings::new(vec!["127.0.0.1:1".parse().unwrap()], "orders").unwrap();
        let source = KafkaGroupSource::new(settings);
        let [now, later] = [Timestamp::UNIX_EPOCH, Timestamp::MAX];
        let end = source.end_of(now);
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        assert_eq!(source.end_of(now), end);
        assert!(source.end_of(later) > end);
    }
}
