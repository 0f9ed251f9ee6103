//! What `rebalancer check` says, read as a machine reads it.

use serde_json::Value;

use crate::harness::example::WORKED_EXAMPLE;
use crate::harness::fleet::Fleet;
use crate::harness::rebalancer::{Rebalancer, Run};
use crate::harness::setup::Setup;

/// A fleet of six pods, which is out of balance and has all that it needs.
pub(crate) fn six(name: &str) -> Setup {
    Fleet::named(name).cpu(&WORKED_EXAMPLE).hpa(70)
}

/// The findings of one workload.
pub(crate) struct Findings {
    findings: Vec<Value>,
    pub(crate) configuration: Vec<Value>,
}

/// A check of this run, as JSON, and how it ended.
pub(crate) async fn check(rebalancer: Rebalancer) -> (Findings, Run) {
    let run = rebalancer.args(&["check", "--output", "json"]).run().await;
    let answer: Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("{error}\nstdout:\n{}\nstderr:\n{}", run.stdout, run.stderr));
    (Findings::of(&answer), run)
}

/// A line for each finding.
impl std::fmt::Debug for Findings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.findings.iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}

impl Findings {
    pub(crate) fn of(answer: &Value) -> Self {
        let list = |name: &str| answer[name].as_array().unwrap().clone();
        Self { findings: list("findings"), configuration: list("configuration") }
    }

    /// The codes of what is an error.
    pub(crate) fn errors(&self) -> Vec<&str> {
        self.codes("error")
    }

    /// The codes of all findings of this severity, in their order.
    pub(crate) fn codes(&self, severity: &str) -> Vec<&str> {
        let wanted = self.findings.iter().filter(|finding| finding["severity"] == severity);
        wanted.map(|finding| finding["code"].as_str().unwrap()).collect()
    }

    /// There is a finding of this severity and code with all of these words, in its message or its fix.
    #[track_caller]
    pub(crate) fn expect(&self, severity: &str, code: &str, words: &[&str]) -> &Self {
        let matches = |finding: &&Value| {
            let text = format!(
                "{} {}",
                finding["message"].as_str().unwrap(),
                finding["fix"].as_str().unwrap_or_default()
            );
            finding["severity"] == severity
                && finding["code"] == code
                && words.iter().all(|word| text.contains(word))
        };
        assert!(
            self.findings.iter().any(|finding| matches(&finding)),
            "no {severity} {code} with {words:?} in {self:#?}"
        );
        self
    }

    /// What the first finding of this code says.
    #[track_caller]
    pub(crate) fn message(&self, code: &str) -> &str {
        let finding = self.findings.iter().find(|finding| finding["code"] == code);
        finding
            .and_then(|finding| finding["message"].as_str())
            .unwrap_or_else(|| panic!("no {code} in {self:#?}"))
    }

    /// Nothing of this code was found.
    #[track_caller]
    pub(crate) fn lacks(&self, code: &str) -> &Self {
        assert!(self.findings.iter().all(|finding| finding["code"] != code), "{code} in {self:#?}");
        self
    }
}
