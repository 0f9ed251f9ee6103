//! Settings of a run over several workloads.

use super::Variable;

const HEADING: &str = "Several workloads";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(
        HEADING,
        "WORKLOADS_FILE",
        None,
        "YAML file with a list of workloads, handled one after the other; an entry's variables win over the environment, and flags win over both",
    )
    .of_run(),
];
