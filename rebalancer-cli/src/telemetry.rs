//! What the program tells of itself while it works.

mod logs;

pub(crate) use logs::{report, start};
