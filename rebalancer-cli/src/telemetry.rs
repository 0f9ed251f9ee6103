//! What the program tells of itself while it works.

mod logs;
mod metrics;

pub(crate) use logs::{report, start};
pub(crate) use metrics::{MetricsJournal, Run, send};
