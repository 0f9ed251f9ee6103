//! The consumer group of a plan, as Kafka tells it.

use rebalancer_core::group::GroupSummary;
use rebalancer_core::report::Report;

use crate::render::screen::Sheet;

/// How many names are shown of what is many.
const NAMES: usize = 3;

/// What is known of the group; nothing where Kafka is not asked.
pub(super) fn entries(sheet: &mut Sheet, report: &Report) {
    if let Some(error) = &report.group_error {
        sheet.entry("group", &format!("not read: {error}"));
    }
    let Some(group) = &report.group else { return };
    let GroupSummary { id, state, protocol, members, .. } = group;
    let assignor = group.assignor.as_deref().unwrap_or("no assignor");
    let matched = matched(group);
    sheet.entry("group", &format!("{id}: {state}, {assignor} ({protocol}), {members} members{matched}"));
    named(sheet, "members in no pod of the fleet, which stay where they are", &group.elsewhere);
    named(sheet, "pods without a member", &group.pods_without_member);
    if group.eager {
        let waiting =
            group.produced_per_second.map(|rate| format!("; {rate:.0} messages wait for each second"));
        let waiting = waiting.unwrap_or_default();
        sheet.entry("", &format!("each rebalance stops all {members} members until it has ended{waiting}"));
    }
    if let Some(missing) = &group.missing {
        sheet.entry("", &format!("partitions on the move are not seen: add {missing}"));
    }
}

fn matched(group: &GroupSummary) -> String {
    let by: Vec<String> = group.matched.iter().map(|(by, count)| format!("{count} by {by}")).collect();
    if by.is_empty() { String::new() } else { format!(", matched with pods: {}", by.join(", ")) }
}

fn named(sheet: &mut Sheet, what: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let shown: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    sheet.entry("", &format!("{} {what}: {}{more}", names.len(), shown.join(", ")));
}
