//! Kubernetes' protobuf: four bytes, then a `runtime.Unknown` that says what it holds, and holds it. The objects of a list
//! are taken out as they arrive. `generated.proto` of `k8s.io/apimachinery` has the numbers of the fields.

use kube::core::Status;
use kube::core::response::{StatusCause, StatusDetails};
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint};

use super::Frame;
use crate::wire::Failure;

const MAGIC: &[u8] = b"k8s\0";
/// Nothing that the server keeps is as large.
const LARGEST: u64 = 16 << 20;

/// What the server holds of any kind.
#[derive(Clone, PartialEq, Message)]
struct Unknown {
    #[prost(bytes = "vec", tag = "2")]
    raw: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeMeta {
    #[prost(string, tag = "2")]
    kind: String,
}

#[derive(Clone, PartialEq, Message)]
struct ListMeta {
    #[prost(string, tag = "3")]
    token: String,
}

#[derive(Clone, PartialEq, Message)]
struct RawStatus {
    #[prost(string, tag = "3")]
    message: String,
    #[prost(string, tag = "4")]
    reason: String,
    #[prost(message, optional, tag = "5")]
    details: Option<RawDetails>,
}

#[derive(Clone, PartialEq, Message)]
struct RawDetails {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    group: String,
    #[prost(string, tag = "3")]
    kind: String,
    #[prost(message, repeated, tag = "4")]
    causes: Vec<RawCause>,
    #[prost(int32, tag = "5")]
    retry_after_seconds: i32,
    #[prost(string, tag = "6")]
    uid: String,
}

#[derive(Clone, PartialEq, Message)]
struct RawCause {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(string, tag = "3")]
    field: String,
}

/// Not the decoder's own words: they may quote what is in the answer.
pub(crate) fn malformed(_: prost::DecodeError) -> Failure {
    Failure::Malformed("no protobuf of its kind".to_owned())
}

/// The object within an answer.
///
/// # Errors
/// When it is not what Kubernetes sends.
pub(crate) fn inner(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let message = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| Failure::Malformed("no protobuf of Kubernetes".to_owned()))?;
    Unknown::decode(message).map(|unknown| unknown.raw).map_err(malformed)
}

/// A refusal in the server's own words; `None` where it is none.
pub(crate) fn status(bytes: &[u8]) -> Option<Status> {
    let RawStatus { message, reason, details } = RawStatus::decode(&*inner(bytes).ok()?).ok()?;
    let details = details.map(|RawDetails { name, group, kind, causes, retry_after_seconds, uid }| {
        let cause = |RawCause { reason, message, field }| StatusCause { reason, message, field };
        StatusDetails {
            name,
            group,
            kind,
            uid,
            causes: causes.into_iter().map(cause).collect(),
            retry_after_seconds: u32::try_from(retry_after_seconds).unwrap_or(0),
        }
    });
    Some(Status { message, reason, details, ..Status::default() })
}

/// How deep the text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Within {
    #[default]
    Start,
    /// Among the fields of `Unknown`.
    Outside,
    /// Among those of the list, of which so many bytes are still to come.
    List(u64),
}

/// The objects of a list, as they arrive.
#[derive(Debug, Default)]
pub(crate) struct Items {
    within: Within,
    /// What has arrived and is not read yet: less than one field.
    held: Vec<u8>,
    frame: Frame,
    seen: bool,
}

/// The head of a field: its number, how it is written, and how many bytes the head and what follows have.
struct Head {
    tag: u32,
    wire: WireType,
    head: usize,
    body: u64,
}

impl Items {
    /// Gives each object that has ended.
    pub(super) fn take(
        &mut self,
        piece: &[u8],
        keep: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(piece);
        let mut rest = &*held;
        while let Some(after) = self.step(rest, keep)? {
            rest = after;
        }
        let read = held.len() - rest.len();
        held.drain(..read);
        self.held = held;
        Ok(())
    }

    /// Reads one field; `None` where it has not arrived in whole.
    fn step<'a>(
        &mut self,
        rest: &'a [u8],
        keep: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<Option<&'a [u8]>, Failure> {
        if self.within == Within::Start {
            return self.start(rest);
        }
        if self.within == Within::List(0) {
            self.within = Within::Outside;
        }
        let Some(Head { tag, wire, head, body }) = head(rest)? else { return Ok(None) };
        let is_list = self.within == Within::Outside && tag == 2 && wire == WireType::LengthDelimited;
        if is_list {
            if std::mem::replace(&mut self.seen, true) {
                return Err(Failure::Malformed("two lists in one answer".to_owned()));
            }
            self.within = Within::List(body);
            return Ok(rest.get(head..));
        }
        if body > LARGEST {
            return Err(Failure::Malformed("it is larger than any object".to_owned()));
        }
        let whole = head.saturating_add(usize::try_from(body).unwrap_or(usize::MAX));
        let Some((field, after)) = rest.split_at_checked(whole) else { return Ok(None) };
        let value = field.get(head..).unwrap_or_default();
        match self.within {
            Within::List(left) => {
                let left = left.checked_sub(whole as u64);
                self.within = Within::List(left.ok_or_else(|| early("an object"))?);
                match (tag, wire) {
                    (1, WireType::LengthDelimited) => {
                        self.frame.token = ListMeta::decode(value).map_err(malformed)?.token;
                    }
                    (2, WireType::LengthDelimited) => keep(value)?,
                    _ => {}
                }
            }
            Within::Outside if tag == 1 && wire == WireType::LengthDelimited => {
                self.frame.kind = TypeMeta::decode(value).map_err(malformed)?.kind;
            }
            Within::Outside | Within::Start => {}
        }
        Ok(Some(after))
    }

    fn start<'a>(&mut self, rest: &'a [u8]) -> Result<Option<&'a [u8]>, Failure> {
        let Some((magic, after)) = rest.split_at_checked(MAGIC.len()) else { return Ok(None) };
        if magic != MAGIC {
            return Err(Failure::Malformed("no protobuf of Kubernetes".to_owned()));
        }
        self.within = Within::Outside;
        Ok(Some(after))
    }

    pub(super) fn end(self) -> Result<Frame, Failure> {
        match self.within {
            Within::Outside | Within::List(0) if self.seen && self.held.is_empty() => Ok(self.frame),
            Within::Start | Within::Outside | Within::List(_) => Err(early("the list")),
        }
    }
}

fn early(what: &str) -> Failure {
    Failure::Malformed(format!("{what} ends early"))
}

/// The head of the next field; `None` where it has not arrived in whole.
fn head(bytes: &[u8]) -> Result<Option<Head>, Failure> {
    /// A key and a length, at most.
    const LONGEST: usize = 20;
    let mut rest = bytes;
    let read = |rest: &mut &[u8]| {
        let (tag, wire) = decode_key(rest)?;
        let body = match wire {
            WireType::LengthDelimited => decode_varint(rest)?,
            WireType::Varint => {
                decode_varint(rest)?;
                0
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::StartGroup | WireType::EndGroup => u64::MAX,
        };
        Ok((tag, wire, body))
    };
    match read(&mut rest) {
        Ok((tag, wire, body)) => Ok(Some(Head { tag, wire, head: bytes.len() - rest.len(), body })),
        Err(_) if bytes.len() < LONGEST => Ok(None),
        Err(error) => Err(malformed(error)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A field of this number with these bytes.
    fn field(tag: u32, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        prost::encoding::encode_key(tag, WireType::LengthDelimited, &mut out);
        prost::encoding::encode_varint(bytes.len() as u64, &mut out);
        out.extend_from_slice(bytes);
        out
    }

    /// As the API server writes a list.
    fn list(kind: &str, token: &str, items: &[Vec<u8>]) -> Vec<u8> {
        let meta = field(1, &[field(2, b"77"), field(3, token.as_bytes())].concat());
        let items: Vec<u8> = items.iter().flat_map(|item| field(2, item)).collect();
        let kind = field(1, &[field(1, b"v1"), field(2, kind.as_bytes())].concat());
        [MAGIC.to_vec(), kind, field(2, &[meta, items].concat()), field(3, b""), field(4, b"")].concat()
    }

    fn cut(bytes: &[u8], size: usize) -> Result<(Frame, Vec<Vec<u8>>), Failure> {
        let (mut items, mut all) = (Items::default(), Vec::new());
        for piece in bytes.chunks(size) {
            items.take(piece, &mut |item| {
                all.push(item.to_vec());
                Ok(())
            })?;
        }
        Ok((items.end()?, all))
    }

    proptest! {
        #[test]
        fn objects_come_out_as_they_are_however_the_bytes_are_cut(
            items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6),
            token in "[a-z]{0,4}",
            size in 1_usize..200,
        ) {
            let (frame, found) = cut(&list("PodList", &token, &items), size).unwrap();
            prop_assert_eq!(frame, Frame { kind: "PodList".to_owned(), token });
            prop_assert_eq!(found, items);
        }

        #[test]
        fn what_is_cut_short_is_no_list(
            items in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..4),
            percent in 0_usize..100,
        ) {
            let whole = list("PodList", "", &items);
            // Without the two empty fields at its end it is still one.
            let short = &whole[..(whole.len() - 4) * percent / 100];
            prop_assert!(cut(short, 7).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..40) {
            let _ = cut(&[MAGIC, &*bytes].concat(), size);
            let _ = (inner(&bytes), status(&bytes));
        }
    }

    #[test]
    fn a_refusal_keeps_what_is_decided_by() {
        let cause = [field(1, b"DisruptionBudget"), field(2, b"no")].concat();
        let mut wait = Vec::new();
        prost::encoding::int32::encode(5, &10, &mut wait);
        let details = [field(1, b"consumer-0"), field(3, b"pods"), field(4, &cause), wait].concat();
        let raw =
            [field(2, b"Failure"), field(3, b"words"), field(4, b"TooManyRequests"), field(5, &details)];
        let found = status(&[MAGIC.to_vec(), field(2, &raw.concat())].concat()).unwrap();
        let details = found.details.unwrap();
        assert_eq!((&*found.message, &*found.reason), ("words", "TooManyRequests"));
        assert_eq!((&*details.name, &*details.kind, details.retry_after_seconds), ("consumer-0", "pods", 10));
        assert_eq!((&*details.causes[0].reason, &*details.causes[0].message), ("DisruptionBudget", "no"));
    }
}
