//! The consumer group of a plan, as Kafka tells it.

use std::fmt::Write as _;

use rebalancer_core::group::GroupSummary;
use rebalancer_core::report::Report;

/// How many names are shown of what is many.
const NAMES: usize = 3;

/// What is known of the group; nothing where Kafka is not asked.
pub(super) fn lines(out: &mut String, report: &Report) -> std::fmt::Result {
    if let Some(error) = &report.group_error {
        writeln!(out, "{:<10} not read: {error}", "group")?;
    }
    let Some(group) = &report.group else { return Ok(()) };
    let assignor = group.assignor.as_deref().unwrap_or("no assignor");
    writeln!(
        out,
        "{:<10} {}: {}, {assignor} ({}), {} members{}",
        "group",
        group.id,
        group.state,
        group.protocol,
        group.members,
        matched(group)
    )?;
    named(out, "members in no pod of the fleet, which stay where they are", &group.elsewhere)?;
    named(out, "pods without a member", &group.pods_without_member)?;
    if group.eager {
        let waiting =
            group.produced_per_second.map(|rate| format!("; {rate:.0} messages wait for each second"));
        let waiting = waiting.unwrap_or_default();
        writeln!(
            out,
            "{:<10} each rebalance stops all {} members until it has ended{waiting}",
            "", group.members
        )?;
    }
    if let Some(missing) = &group.missing {
        writeln!(out, "{:<10} partitions on the move are not seen: add {missing}", "")?;
    }
    Ok(())
}

fn matched(group: &GroupSummary) -> String {
    let by: Vec<String> = group.matched.iter().map(|(by, count)| format!("{count} by {by}")).collect();
    if by.is_empty() { String::new() } else { format!(", matched with pods: {}", by.join(", ")) }
}

fn named(out: &mut String, what: &str, names: &[String]) -> std::fmt::Result {
    if names.is_empty() {
        return Ok(());
    }
    let shown: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    writeln!(out, "{:<10} {} {what}: {}{more}", "", names.len(), shown.join(", "))
}
