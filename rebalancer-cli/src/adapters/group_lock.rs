//! The lock on a consumer group, in a cluster that is asked only when there is a plan.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::history::{Acquired, Peeked, Record, StateError, StateStore, Token};
use rebalancer_kube::preflight::Preflight;
use rebalancer_kube::{Connection, LeaseStore};
use tokio::sync::OnceCell;

use crate::config::GroupLockSettings;

/// The Lease of a consumer group. A cluster that can't be used is as one that can't be reached: nobody knows who has the
/// lock.
pub(crate) struct GroupLease {
    settings: GroupLockSettings,
    reached: OnceCell<(Connection, LeaseStore)>,
}

impl GroupLease {
    /// Contacts no server.
    pub(crate) fn of(settings: GroupLockSettings) -> Self {
        Self { settings, reached: OnceCell::new() }
    }

    /// Asks in the namespace of the lock, and what the Lease is called.
    ///
    /// # Errors
    /// When its cluster is not configured.
    pub(crate) async fn preflight(&self) -> Result<(Preflight, &str), StateError> {
        let (connection, lease) = self.reached().await?;
        Ok((Preflight::new(connection, &self.settings.namespace), lease.name()))
    }

    async fn lease(&self) -> Result<&LeaseStore, StateError> {
        self.reached().await.map(|(_, lease)| lease)
    }

    async fn reached(&self) -> Result<&(Connection, LeaseStore), StateError> {
        let GroupLockSettings { cluster, namespace, group } = &self.settings;
        let connect = async || {
            let connection = rebalancer_kube::connect(cluster).await?;
            let lease = LeaseStore::of_group(&connection, namespace, group);
            Ok((connection, lease))
        };
        let reached = self.reached.get_or_try_init(connect).await;
        reached.map_err(|error: rebalancer_kube::ConnectError| StateError::Unavailable {
            message: format!("the cluster of the lock (GROUP_LOCK_KUBECONFIG, GROUP_LOCK_CONTEXT): {error}"),
        })
    }
}

#[async_trait]
impl StateStore for GroupLease {
    async fn acquire(
        &self,
        now: Timestamp,
        holder: &str,
        ttl: SignedDuration,
    ) -> Result<Acquired, StateError> {
        self.lease().await?.acquire(now, holder, ttl).await
    }

    async fn save(&self, now: Timestamp, token: &mut Token, record: &Record) -> Result<(), StateError> {
        self.lease().await?.save(now, token, record).await
    }

    async fn release(&self, now: Timestamp, token: Token, record: &Record) -> Result<(), StateError> {
        self.lease().await?.release(now, token, record).await
    }

    async fn peek(&self, now: Timestamp) -> Result<Peeked, StateError> {
        self.lease().await?.peek(now).await
    }
}
