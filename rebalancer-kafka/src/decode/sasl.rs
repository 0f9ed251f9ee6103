//! Authentication.

use crate::wire::{BadAnswer, ErrorCode, Reader, Version};

/// Whether a listener takes a mechanism, and which it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handshake {
    pub(crate) error: Result<(), ErrorCode>,
    pub(crate) offered: Vec<String>,
}

pub(crate) fn sasl_handshake(r: &mut Reader<'_>) -> Result<Handshake, BadAnswer> {
    Ok(Handshake { error: ErrorCode::read(r.i16()?), offered: r.array(Reader::string)? })
}

/// A step of an authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) error: Result<(), ErrorCode>,
    /// The error in words.
    pub(crate) message: Option<String>,
    pub(crate) bytes: Vec<u8>,
    /// For how long it is valid; `None` for ever, as far as is told.
    pub(crate) lifetime_ms: Option<u64>,
}

pub(crate) fn sasl_authenticate(r: &mut Reader<'_>, version: Version) -> Result<Challenge, BadAnswer> {
    let error = ErrorCode::read(r.i16()?);
    let message = r.nullable_string()?;
    let bytes = r.bytes()?.to_vec();
    let lifetime_ms = if version.number >= 1 { r.i64()? } else { 0 };
    Ok(Challenge { error, message, bytes, lifetime_ms: u64::try_from(lifetime_ms).ok().filter(|ms| *ms > 0) })
}
