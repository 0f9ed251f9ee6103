//! Settings of logs.

use super::Variable;

const HEADING: &str = "Output";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(HEADING, "LOG_LEVEL", Some("info"), "debug, info, warn or error").of_run(),
    Variable::new(HEADING, "LOG_FORMAT", Some("json"), "json: one object per line; text: for people")
        .of_run(),
];
