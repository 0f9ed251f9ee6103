//! Reads situations, one a line of JSON, and compares.

use std::collections::BTreeSet;

use rebalancer_core::assignor::{Assignment, Group, Member, Topic, TopicPartition};
use serde_json::Value;

/// Every line's assignment is what `assign` makes of its group, whatever the order of the members.
pub(crate) fn assert_all_equal(lines: &str, at_least: usize, assign: fn(&Group) -> Assignment) {
    assert!(lines.lines().count() >= at_least);
    for (index, line) in lines.lines().enumerate() {
        let situation: Value = serde_json::from_str(line).unwrap();
        let group = group(&situation);
        let (expected, got) = (expected(&situation, &group), assign(&group));
        assert_eq!(got, expected, "line {}: {group:#?}", index + 1);
        let turned = Group { members: group.members.iter().rev().cloned().collect(), ..group };
        assert!(assign(&turned).iter().rev().eq(&expected), "line {} depends on the order", index + 1);
    }
}

fn group(situation: &Value) -> Group {
    let topics = situation["topics"].as_object().unwrap();
    let names: Vec<&str> = topics.keys().map(String::as_str).collect();
    assert!(names.is_sorted());
    Group {
        topics: topics
            .iter()
            .map(|(name, count)| Topic { name: name.clone(), partitions: number(count), hash: None })
            .collect(),
        members: situation["members"].as_array().unwrap().iter().map(|json| member(json, &names)).collect(),
    }
}

fn member(json: &Value, names: &[&str]) -> Member {
    let subscribed: BTreeSet<&str> =
        json["topics"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    Member {
        id: json["id"].as_str().unwrap().to_owned(),
        instance: json["instance"].as_str().map(str::to_owned),
        subscription: (0..)
            .zip(names)
            .filter(|(_, name)| subscribed.contains(*name))
            .map(|(i, _)| i)
            .collect(),
        owned: partitions(&json["owned"], names),
        generation: json["generation"].as_i64().map(|epoch| epoch.try_into().unwrap()),
        listed: 0,
    }
}

fn expected(situation: &Value, group: &Group) -> Assignment {
    let names: Vec<&str> = group.topics.iter().map(|topic| topic.name.as_str()).collect();
    group.members.iter().map(|member| partitions(&situation["assignment"][&member.id], &names)).collect()
}

fn partitions(by_topic: &Value, names: &[&str]) -> Vec<TopicPartition> {
    let mut held: Vec<TopicPartition> = Vec::new();
    for (topic, numbers) in by_topic.as_object().unwrap() {
        let topic = names.iter().position(|name| name == topic).unwrap().try_into().unwrap();
        let numbers = numbers.as_array().unwrap().iter().map(number);
        held.extend(numbers.map(|partition| TopicPartition { topic, partition }));
    }
    held.sort_unstable();
    held
}

fn number(json: &Value) -> u32 {
    json.as_u64().unwrap().try_into().unwrap()
}
