//! What the cycle asks of Cruise Control, which balances the Kafka cluster itself. Nothing is ever changed there.

use async_trait::async_trait;

use crate::fleet::ExecutorState;

/// Cruise Control did not tell what it does. For people, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[error("{message}")]
pub struct ExecutorUnread {
    /// What happened, and where.
    pub message: String,
}

/// Asks Cruise Control.
#[async_trait]
pub trait CruiseControl: Send + Sync {
    /// What its executor does now.
    ///
    /// # Errors
    /// When it can't be known.
    async fn executor(&self) -> Result<ExecutorState, ExecutorUnread>;
}
