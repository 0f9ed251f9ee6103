//! Kafka's messages as bytes, both ways. Pure: frames, the requests that are known here, and primitive types.
//!
//! Nothing is reserved by a length or a count that an answer claims.

mod api;
mod error_code;
mod reader;
mod writer;

pub(crate) use api::{Api, Version};
pub(crate) use error_code::ErrorCode;
pub(crate) use reader::{BadAnswer, Reader};
pub(crate) use writer::Writer;

/// A request with its length in front.
pub(crate) fn frame(version: Version, correlation: i32, client_id: &str, body: &[u8]) -> Vec<u8> {
    // The client id stays in the old form, also in the header of flexible versions.
    let mut header = Writer::new(false);
    header.i16(version.api.key()).i16(version.number).i32(correlation).string(client_id);
    if version.is_flexible() {
        header.raw(&[0]);
    }
    let header = header.finish();
    let length = u32::try_from(header.len() + body.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &header, body].concat()
}

/// The body of an answer, if it answers the request of this number.
///
/// # Errors
/// When it answers another one, or ends before its body.
pub(crate) fn unframe(version: Version, correlation: i32, answer: &[u8]) -> Result<Reader<'_>, BadAnswer> {
    let mut reader = Reader::new(answer, version.is_flexible());
    let found = reader.i32()?;
    if found != correlation {
        return Err(BadAnswer(format!("it answers request {found}, not {correlation}")));
    }
    reader.tags()?;
    Ok(reader)
}

#[cfg(test)]
mod tests;
