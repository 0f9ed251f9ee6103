//! Reads a whole list. Its objects are converted one by one as they arrive, so that it is never in memory in whole.
//!
//! The list is asked for as it is now (no `resourceVersion`) and in one answer (no `limit`): since Kubernetes 1.31 the server
//! gives that from its watch cache, once the cache is as new as etcd was when the request came. Pages would be read from
//! etcd, and `resourceVersion=0` might be of any age. docs/performance.md has the figures.

use http::Request;
use http::header::{ACCEPT, HeaderValue};
use kube::core::params::ListParams;
use rebalancer_core::port::InventoryError;
use tracing::{debug, warn};

use crate::answer::{EITHER, Frame, Listed, Object};
use crate::classify::{Right, read_error};
use crate::client::Connection;
use crate::decode::foreign;
use crate::retry::{Deadline, gather};
use crate::wire::Failure;

/// How often a list is begun again because the server forgot where it was.
const RESTARTS: u32 = 2;

/// A list to read.
pub(crate) struct List<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) deadline: Deadline,
    pub(crate) namespace: &'a str,
    pub(crate) path: Result<String, Failure>,
    /// The `kind` of the answer: something else that happens to parse must not pass for an empty list.
    pub(crate) kind: &'static str,
    pub(crate) right: Right,
    pub(crate) labels: Option<&'a str>,
    pub(crate) encodings: Encodings,
}

/// What the objects can be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encodings {
    Json,
    Either,
}

/// Why a round through the pages ended early.
enum Stop {
    /// The server forgot the list's state: what was read belongs to a state that can't be read to its end.
    Expired(Failure),
    /// The server has no such list.
    NotServed(Failure),
    Failed(InventoryError),
}

impl List<'_> {
    /// Reads all of it, or nothing. `convert` sees each object of the server once for each round.
    pub(crate) async fn read<R: Object, T: Send>(
        &self,
        convert: impl Fn(R) -> Result<T, InventoryError> + Sync,
    ) -> Result<Vec<T>, InventoryError> {
        self.whole(convert).await?.map_err(|failure| self.error(&failure))
    }

    /// The same of a kind that not every cluster has; `None` where this one has not.
    pub(crate) async fn read_if_served<R: Object, T: Send>(
        &self,
        convert: impl Fn(R) -> Result<T, InventoryError> + Sync,
    ) -> Result<Option<Vec<T>>, InventoryError> {
        self.whole(convert).await.map(Result::ok)
    }

    async fn whole<R: Object, T: Send>(
        &self,
        convert: impl Fn(R) -> Result<T, InventoryError> + Sync,
    ) -> Result<Result<Vec<T>, Failure>, InventoryError> {
        let mut restarts = 0;
        loop {
            match self.round(&convert).await {
                Ok(all) => return Ok(Ok(all)),
                Err(Stop::NotServed(failure)) => return Ok(Err(failure)),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Expired(failure)) if restarts == RESTARTS => return Err(self.error(&failure)),
                Err(Stop::Expired(failure)) => {
                    restarts += 1;
                    warn!(event = "kubernetes_retry", kind = self.kind, restarts, error = %failure, "listing anew");
                }
            }
        }
    }

    /// A server may give a list in pages although none were asked for.
    async fn round<R: Object, T: Send>(
        &self,
        convert: &(dyn Fn(R) -> Result<T, InventoryError> + Sync),
    ) -> Result<Vec<T>, Stop> {
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let (frame, page) = self.page(token, convert).await?;
            let (before, items) = (all.len(), page.len());
            debug!(event = "kubernetes_list", kind = self.kind, items, before, "a page of a list");
            match all.is_empty() {
                true => all = page,
                false => all.extend(page),
            }
            if frame.token.is_empty() {
                return Ok(all);
            }
            token = Some(frame.token);
        }
    }

    async fn page<R: Object, T: Send>(
        &self,
        token: Option<String>,
        convert: &(dyn Fn(R) -> Result<T, InventoryError> + Sync),
    ) -> Result<(Frame, Vec<T>), Stop> {
        let request = self.request(token).map_err(|failure| Stop::Failed(self.error(&failure)))?;
        let begin = |encoding| Listed::begin(encoding, convert);
        match gather(self.connection, &request, self.deadline, begin).await {
            Ok((frame, _)) if frame.kind != self.kind => Err(Stop::Failed(foreign(self.kind, &frame.kind))),
            Ok((frame, items)) => Ok((frame, items.map_err(Stop::Failed)?)),
            Err(Failure::Refused(refusal)) if refusal.status.code == 410 => {
                Err(Stop::Expired(Failure::Refused(refusal)))
            }
            Err(Failure::Refused(refusal)) if refusal.status.code == 404 => {
                Err(Stop::NotServed(Failure::Refused(refusal)))
            }
            Err(failure) => Err(Stop::Failed(self.error(&failure))),
        }
    }

    fn request(&self, token: Option<String>) -> Result<Request<Vec<u8>>, Failure> {
        let path = self.path.as_ref().map_err(|failure| Failure::Unsendable(failure.to_string()))?;
        let params = ListParams {
            label_selector: self.labels.map(str::to_owned),
            continue_token: token,
            ..ListParams::default()
        };
        let request = kube::core::Request::new(path).list(&params);
        let mut request = request.map_err(|error| Failure::Unsendable(error.to_string()))?;
        if self.encodings == Encodings::Either {
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(EITHER));
        }
        Ok(request)
    }

    fn error(&self, failure: &Failure) -> InventoryError {
        read_error(failure, self.right, self.namespace)
    }
}
