//! Groups that a broker coordinates.

use rebalancer_core::port::OtherGroup;

use super::classic;
use crate::wire::{BadAnswer, ErrorCode, Reader, Version};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedGroup {
    pub(crate) id: String,
    /// What it is, if it is no consumer group.
    pub(crate) other: Option<OtherGroup>,
}

pub(crate) fn list_groups(
    r: &mut Reader<'_>,
    version: Version,
) -> Result<Result<Vec<ListedGroup>, ErrorCode>, BadAnswer> {
    if version.number >= 1 {
        r.i32()?; // throttled
    }
    let error = ErrorCode::read(r.i16()?);
    let groups = r.array(|r| group(r, version))?;
    Ok(error.map(|()| groups))
}

fn group(r: &mut Reader<'_>, version: Version) -> Result<ListedGroup, BadAnswer> {
    let id = r.string()?;
    let protocol_type = r.string()?;
    if version.number >= 4 {
        r.string()?; // state
    }
    let group_type = if version.number >= 5 { r.string()? } else { String::new() };
    r.tags()?;
    let other = match group_type.to_ascii_lowercase().as_str() {
        "streams" => Some(OtherGroup::Streams),
        "share" => Some(OtherGroup::Share),
        _ => classic::other(&protocol_type, None),
    };
    Ok(ListedGroup { id, other })
}
