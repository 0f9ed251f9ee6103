//! Reads a whole list, page by page. Each page is converted and dropped before the next one is requested.

use http::Request;
use kube::core::params::ListParams;
use rebalancer_core::port::InventoryError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tracing::{debug, warn};

use crate::classify::{Right, read_error};
use crate::client::Connection;
use crate::decode::foreign;
use crate::retry::{Deadline, read};
use crate::wire::Failure;

/// Objects in a page. A pod is some 9 KiB of JSON, most of it not wanted here, and a page is held in whole while
/// it is read: 500 a page took 13 MB for 1,000 pods, and no less time.
const PAGE: u32 = 250;
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
}

/// One page, as the server sends it.
#[derive(Deserialize)]
pub(crate) struct Page<T> {
    kind: String,
    #[serde(default)]
    metadata: PageMeta,
    pub(crate) items: Option<Vec<T>>,
}

#[derive(Deserialize, Default)]
struct PageMeta {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

impl<T> Page<T> {
    /// The page, when it is one of the list that was requested.
    pub(crate) fn of_kind(self, kind: &str) -> Result<Self, InventoryError> {
        if self.kind == kind {
            return Ok(self);
        }
        Err(foreign(kind, &self.kind))
    }
}

/// Why a round through the pages ended early.
enum Stop {
    /// The server forgot the list's state: what was read belongs to a state that can't be read to its end.
    Expired(Failure),
    Failed(InventoryError),
}

impl List<'_> {
    /// Reads all of it, or nothing. `convert` sees each object of the server once for each round.
    pub(crate) async fn read<R, T>(
        &self,
        convert: impl Fn(R) -> Result<T, InventoryError>,
    ) -> Result<Vec<T>, InventoryError>
    where
        R: DeserializeOwned,
    {
        let mut restarts = 0;
        loop {
            match self.round(&convert).await {
                Ok(all) => return Ok(all),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Expired(failure)) if restarts == RESTARTS => return Err(self.error(&failure)),
                Err(Stop::Expired(failure)) => {
                    restarts += 1;
                    warn!(event = "kubernetes_retry", kind = self.kind, restarts, error = %failure, "listing anew");
                }
            }
        }
    }

    async fn round<R, T>(&self, convert: &impl Fn(R) -> Result<T, InventoryError>) -> Result<Vec<T>, Stop>
    where
        R: DeserializeOwned,
    {
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let page = self.page(token).await?;
            let items = page.items.unwrap_or_default();
            let (before, count) = (all.len(), items.len());
            debug!(event = "kubernetes_list", kind = self.kind, items = count, before, "a page of a list");
            for item in items {
                all.push(convert(item).map_err(Stop::Failed)?);
            }
            token = page.metadata.token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    async fn page<R: DeserializeOwned>(&self, token: Option<String>) -> Result<Page<R>, Stop> {
        let request = self.request(token).map_err(|failure| Stop::Failed(self.error(&failure)))?;
        match read::<Page<R>>(self.connection, &request, self.deadline).await {
            Ok(page) => page.of_kind(self.kind).map_err(Stop::Failed),
            Err(Failure::Refused(refusal)) if refusal.status.code == 410 => {
                Err(Stop::Expired(Failure::Refused(refusal)))
            }
            Err(failure) => Err(Stop::Failed(self.error(&failure))),
        }
    }

    fn request(&self, token: Option<String>) -> Result<Request<Vec<u8>>, Failure> {
        let path = self.path.as_ref().map_err(|failure| Failure::Unsendable(failure.to_string()))?;
        let params = ListParams {
            label_selector: self.labels.map(str::to_owned),
            limit: Some(PAGE),
            continue_token: token,
            ..ListParams::default()
        };
        let request = kube::core::Request::new(path).list(&params);
        request.map_err(|error| Failure::Unsendable(error.to_string()))
    }

    fn error(&self, failure: &Failure) -> InventoryError {
        read_error(failure, self.right, self.namespace)
    }
}
