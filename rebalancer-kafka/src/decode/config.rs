//! Settings of topics.

use rebalancer_core::fleet::consumer_group::{TimestampType, TopicConfig};

use crate::wire::{BadAnswer, ErrorCode, Reader, Version};

pub(crate) const CLEANUP_POLICY: &str = "cleanup.policy";
pub(crate) const TIMESTAMP_TYPE: &str = "message.timestamp.type";

/// What a broker says of one topic.
pub(crate) type ConfigAnswer = (String, Result<TopicConfig, ErrorCode>);

pub(crate) fn describe_configs(r: &mut Reader<'_>, version: Version) -> Result<Vec<ConfigAnswer>, BadAnswer> {
    r.i32()?; // throttled
    r.array(|r| {
        let error = ErrorCode::read(r.i16()?);
        r.nullable_string()?; // the error in words
        r.i8()?; // a topic
        let topic = r.string()?;
        let entries = r.array(|r| entry(r, version))?;
        r.tags()?;
        let config = match error {
            Ok(()) => Ok(config(&topic, &entries)?),
            Err(error) => Err(error),
        };
        Ok((topic, config))
    })
}

fn entry(r: &mut Reader<'_>, version: Version) -> Result<(String, Option<String>), BadAnswer> {
    let entry = (r.string()?, r.nullable_string()?);
    r.bool()?; // can't be changed
    r.i8()?; // where it comes from
    r.bool()?; // secret
    r.array(|r| {
        r.string()?;
        r.nullable_string()?;
        r.i8()?;
        r.tags()
    })?; // what it would be otherwise
    if version.number >= 3 {
        r.i8()?; // its type
        r.nullable_string()?; // its meaning
    }
    r.tags()?;
    Ok(entry)
}

fn config(topic: &str, entries: &[(String, Option<String>)]) -> Result<TopicConfig, BadAnswer> {
    let value = |key: &str| {
        let found = entries.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.as_deref());
        found.ok_or_else(|| BadAnswer(format!("{key} of the topic '{topic}' is missing")))
    };
    let compacted = value(CLEANUP_POLICY)?.split(',').any(|policy| policy.trim() == "compact");
    let timestamps = match value(TIMESTAMP_TYPE)? {
        "CreateTime" => TimestampType::CreateTime,
        "LogAppendTime" => TimestampType::LogAppendTime,
        other => return Err(BadAnswer(format!("{TIMESTAMP_TYPE} of the topic '{topic}' is '{other}'"))),
    };
    Ok(TopicConfig { compacted, timestamps })
}
