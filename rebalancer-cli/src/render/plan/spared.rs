//! What is not removed, and why: one text for each reason.

use std::mem::{Discriminant, discriminant};

use rebalancer_core::report::{PodReport, Report, Spared, Verdict};

use crate::advice;
use crate::render::screen::Sheet;

/// How many names are shown of what is many.
const NAMES: usize = 3;

/// One kind of reason. Its numbers may differ from pod to pod.
#[derive(PartialEq)]
enum Kind {
    Spared(Discriminant<Spared>),
    Vetoed(&'static str),
}

/// The pods that stay for one kind of reason.
struct Group<'a> {
    kind: Kind,
    pods: Vec<&'a str>,
    /// That of the first of them.
    words: String,
    /// The others' reasons have the same numbers.
    alike: bool,
}

/// A text for each reason, those of most pods first.
pub(super) fn entries(sheet: &mut Sheet, report: &Report) {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for pod in &report.pods {
        put(&mut groups, report, &pod);
    }
    let order = |group: &Group<'_>| (matches!(group.kind, Kind::Vetoed(_)), usize::MAX - group.pods.len());
    groups.sort_by_key(order);
    let mut above = "";
    for group in &groups {
        let label = match group.kind {
            Kind::Spared(_) => "spared",
            Kind::Vetoed(_) => "vetoed",
        };
        sheet.entry(if label == above { "" } else { label }, &group.text());
        above = label;
    }
}

fn put<'a>(groups: &mut Vec<Group<'a>>, report: &Report, pod: &PodReport<'a>) {
    let kind = match pod.verdict {
        Verdict::Chosen(_) => return,
        Verdict::Spared(spared) => Kind::Spared(discriminant(spared)),
        Verdict::Vetoed(veto) => Kind::Vetoed(veto.name()),
    };
    let words = || advice::why_not(report, pod.verdict);
    let name = pod.pod.name.as_str();
    match groups.iter_mut().find(|group| group.kind == kind) {
        Some(group) => {
            group.pods.push(name);
            group.alike = group.alike && group.words == words();
        }
        None => groups.push(Group { kind, pods: vec![name], words: words(), alike: true }),
    }
}

impl Group<'_> {
    fn text(&self) -> String {
        let Self { pods, words, .. } = self;
        match (pods.as_slice(), self.alike) {
            ([only], _) => format!("{only}: {words}"),
            ([first, rest @ ..], false) => {
                format!("{first}: {words}; and in the same way {}", counted(rest))
            }
            (all, _) => format!("{}: {words}", counted(all)),
        }
    }
}

/// How many, and the first of them by name.
fn counted(pods: &[&str]) -> String {
    let names = pods.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    match pods.len().saturating_sub(NAMES) {
        0 => names,
        more => format!("{} pods ({names} and {more} more)", pods.len()),
    }
}
