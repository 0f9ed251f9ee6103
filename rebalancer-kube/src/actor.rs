//! Who we are, as the API server knows us: the name that its own audit log has.

use std::time::Duration;

use http::Method;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use tracing::debug;

use crate::client::Connection;
use crate::retry::{Deadline, once};
use crate::wire::{self, Failure};

/// Every authenticated user may ask, by the ClusterRole `system:basic-user`.
const PATH: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// A name in the audit trail is not worth more of a cycle's time.
const LONGEST: Duration = Duration::from_secs(3);

/// The name; `None` where the server does not say, as before Kubernetes 1.28.
pub(crate) async fn actor(connection: &Connection) -> Option<String> {
    match ask(connection).await {
        Ok(review) => review.status?.user_info?.username.filter(|name| !name.is_empty()),
        Err(failure) => {
            debug!(event = "kubernetes_actor", error = %failure, "the API server does not say which account this is");
            None
        }
    }
}

async fn ask(connection: &Connection) -> Result<SelfSubjectReview, Failure> {
    let request = wire::request(Method::POST, PATH, Some(&SelfSubjectReview::default()))?;
    let deadline = Deadline::after(LONGEST.min(connection.timeout));
    once(connection, request, deadline).await
}
