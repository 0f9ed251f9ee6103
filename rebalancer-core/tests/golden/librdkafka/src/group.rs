//! What the leader of a group sees, and the line of data that it becomes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Partitions by topic, ascending.
pub type Held = BTreeMap<String, BTreeSet<i32>>;

/// A consumer as it joins.
#[derive(Clone, Default)]
pub struct Member {
    pub instance: Option<String>,
    pub topics: BTreeSet<String>,
    pub owned: Held,
    pub generation: Option<i32>,
}

/// A group: topics with their partition counts, and members by id.
#[derive(Clone, Default)]
pub struct Group {
    pub topics: BTreeMap<String, i32>,
    pub members: BTreeMap<String, Member>,
}

impl Group {
    /// The topics that anybody subscribes to; nothing else can be said in a line.
    pub fn subscribed(&self) -> BTreeMap<String, i32> {
        let wanted = |name: &String| self.members.values().any(|member| member.topics.contains(name));
        self.topics
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, count)| (name.clone(), *count))
            .collect()
    }

    /// One line of data.
    pub fn line(&self, assignment: &BTreeMap<String, Held>) -> String {
        let topics = self.subscribed();
        let known = |held: &Held| -> Held {
            held.iter()
                .filter(|(t, p)| topics.contains_key(*t) && !p.is_empty())
                .map(|(t, p)| (t.clone(), p.clone()))
                .collect()
        };
        let members: Vec<Value> = self
            .members
            .iter()
            .map(|(id, member)| {
                json!({"id": id, "instance": member.instance, "topics": member.topics,
                    "owned": known(&member.owned), "generation": member.generation})
            })
            .collect();
        let none = Held::new();
        let assignment: BTreeMap<_, _> =
            self.members.keys().map(|id| (id, known(assignment.get(id).unwrap_or(&none)))).collect();
        json!({"topics": topics, "members": members, "assignment": assignment}).to_string()
    }
}
