//! Settings of a run over several workloads.

use super::Variable;

const HEADING: &str = "Several workloads";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(
        HEADING,
        "WORKLOADS_FILE",
        None,
        "YAML file with a list of workloads, which are handled one after the other; each entry has variables of its own, above the environment and below flags",
    )
    .of_run(),
];
