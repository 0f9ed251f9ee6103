//! Where a cycle reads from, and how it reads a consumer group.

use jiff::{SignedDuration, Timestamp};

use crate::port::{
    CruiseControl, GroupError, GroupReading, GroupSource, Inventory, LoadForecaster, MetricsSource,
};
use crate::snapshot::GroupQuestion;

/// Where a cycle reads from.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Sources<'a> {
    /// Reads loads.
    pub metrics: &'a dyn MetricsSource,
    /// Reads the fleet.
    pub inventory: &'a dyn Inventory,
    /// Reads the consumer group, where Kafka can be asked.
    pub group: Option<GroupSide<'a>>,
    /// Forecasts loads, where the policy asks for it.
    pub forecaster: Option<&'a dyn LoadForecaster>,
    /// Tells what balances the Kafka cluster itself, where that can be asked.
    pub cruise_control: Option<&'a dyn CruiseControl>,
}

/// A consumer group, and what is asked of it.
#[derive(Clone, Copy)]
pub struct GroupSide<'a> {
    /// Reads it.
    pub source: &'a dyn GroupSource,
    /// What its offsets are used for.
    pub question: &'a GroupQuestion,
}

impl<'a> Sources<'a> {
    /// Loads and pods; Kafka is not asked.
    #[must_use]
    pub const fn new(metrics: &'a dyn MetricsSource, inventory: &'a dyn Inventory) -> Self {
        Self { metrics, inventory, group: None, forecaster: None, cruise_control: None }
    }

    /// Asks Kafka too.
    #[must_use]
    pub const fn with_group(self, group: Option<GroupSide<'a>>) -> Self {
        Self { group, ..self }
    }

    /// Forecasts loads by this, where the policy asks for it.
    #[must_use]
    pub const fn with_forecaster(self, forecaster: Option<&'a dyn LoadForecaster>) -> Self {
        Self { forecaster, ..self }
    }

    /// Asks Cruise Control too.
    #[must_use]
    pub const fn with_cruise_control(self, cruise_control: Option<&'a dyn CruiseControl>) -> Self {
        Self { cruise_control, ..self }
    }
}

impl std::fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("group", &self.group.is_some()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for GroupSide<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupSide").field("question", self.question).finish_non_exhaustive()
    }
}

impl GroupSide<'_> {
    /// Everything that a decision needs of the group now.
    ///
    /// # Errors
    /// When the group or its topics could not be read. Offsets that could not be read are an error within.
    pub async fn read(&self, now: Timestamp) -> Result<GroupReading, GroupError> {
        let from = now.checked_sub(self.question.window).unwrap_or(Timestamp::MIN);
        self.source.reading(vec![from], now).await
    }

    /// The same with the offsets of `count` windows that lie one, two, ... steps back: from and to of each, one after the
    /// other.
    pub(super) async fn read_past(
        &self,
        now: Timestamp,
        step: SignedDuration,
        count: usize,
    ) -> Result<GroupReading, GroupError> {
        let back = |by: SignedDuration| now.checked_sub(by).unwrap_or(Timestamp::MIN);
        let steps = (1..).take(count).map(|steps: i32| step.saturating_mul(steps));
        let times = steps.flat_map(|ago| [back(ago.saturating_add(self.question.window)), back(ago)]);
        self.source.reading(times.collect(), now).await
    }
}
