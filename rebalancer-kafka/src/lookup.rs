//! What there is instead of a group that could not be described.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use rebalancer_core::port::{GroupError, OtherGroup};

use crate::cluster::{Cluster, Question};
use crate::decode::{self, ListedGroup};
use crate::query;
use crate::retry::Attempts;
use crate::text::excerpt;
use crate::wire::Api;

/// How many names are told.
const MOST: usize = 5;
/// Names that differ more than this don't resemble each other (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.8;

/// The group is of a kind that can't be described as a consumer group, or it isn't there.
pub(crate) async fn absent(cluster: &Cluster, attempts: &Attempts<'_>) -> GroupError {
    let group = cluster.settings.group.clone();
    let mut groups = groups(cluster, attempts).await;
    match groups.remove(&group) {
        Some(Some(what)) => GroupError::NotAConsumerGroup { group, what },
        Some(None) | None => {
            let resembling = resembling(&group, groups.into_keys());
            GroupError::NoSuchGroup { group, resembling }
        }
    }
}

/// All groups that we may see: each broker tells those that it coordinates. Empty when none does.
async fn groups(cluster: &Cluster, attempts: &Attempts<'_>) -> BTreeMap<String, Option<OtherGroup>> {
    let Ok(metadata) = cluster.metadata(attempts, &BTreeSet::new()).await else { return BTreeMap::new() };
    let asked = metadata.brokers.iter().map(|broker| {
        let question = Question::new(Api::ListGroups, query::list_groups, decode::list_groups);
        cluster.ask_at(attempts, &broker.address, question)
    });
    let answers = join_all(asked).await;
    let listed = answers.into_iter().flatten().flatten().flatten();
    listed.map(|ListedGroup { id, other }| (id, other)).collect()
}

/// The likeliest first.
fn resembling(wanted: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        let contained = name.contains(&wanted) || (!name.is_empty() && wanted.contains(&name));
        strsim::jaro_winkler(&wanted, &name).max(if contained { ALIKE } else { 0.0 })
    };
    let mut alike: Vec<(f64, String)> =
        names.map(|name| (likeness(&name), name)).filter(|(likeness, _)| *likeness >= ALIKE).collect();
    alike.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    // Any client may have made up such a name.
    alike.into_iter().take(MOST).map(|(_, name)| excerpt(&name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(wanted: &str, names: &[&str]) -> Vec<String> {
        resembling(wanted, names.iter().map(|name| (*name).to_owned()))
    }

    #[test]
    fn misspelt_and_shortened_names_are_recognised() {
        assert_eq!(among("oders", &["orders", "payments"]), ["orders"]);
        assert_eq!(among("orders", &["team-a.orders.v2", "x"]), ["team-a.orders.v2"]);
        assert_eq!(among("Orders", &["orders"]), ["orders"]);
    }

    #[test]
    fn names_that_have_nothing_in_common_are_not_told() {
        assert!(among("orders", &["payments", "", "zq"]).is_empty());
    }
}
