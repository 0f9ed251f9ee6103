//! The ports: what the cycle asks of the world, and the closed errors that the world may answer with.
//! Errors are sorted by what the caller does next, not by where they came from.
//!
//! Where the record is kept is [`StateStore`](crate::history::StateStore), and what a cycle reports while it runs is
//! [`Journal`](crate::cycle::Journal).

mod api_errors;
mod cruise_control;
mod deleter;
mod forecast;
mod group;
mod group_error;
mod inventory;
mod metrics;
mod time;

pub use api_errors::ApiErrors;
pub use cruise_control::{CruiseControl, ExecutorUnread};
pub use deleter::{Mode, PodDeleter, RemovalError};
pub use forecast::{
    ForecastError, HistoryGrid, LoadForecaster, LoadHistory, SeriesForecast, SeriesOf, SeriesTrial,
};
pub use group::{GroupReading, GroupSource};
pub use group_error::{AclOperation, AclResource, GroupError, Misconfiguration, MissingAcl, OtherGroup};
pub use inventory::{Inventory, InventoryError};
pub use metrics::{MetricsError, MetricsSource, PastReading, Readings};
pub use time::{Clock, Interrupt, Interruption};
