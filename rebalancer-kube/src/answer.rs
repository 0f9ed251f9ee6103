//! What an answer becomes while it arrives. The API server speaks JSON and, of what is built into it, protobuf, which takes
//! a third of the bytes and a fifth of its time; which of the two it is, the answer says.

mod json;
mod protobuf;

use std::marker::PhantomData;

use http::header::{CONTENT_TYPE, HeaderMap};
use rebalancer_core::port::InventoryError;
use serde::de::DeserializeOwned;

use crate::wire::{Failure, mistake};

pub(crate) use json::Elements;
pub(crate) use protobuf::{Items, inner, malformed, status};

/// Asks for protobuf, and for JSON of servers, proxies and kinds that have no other.
pub(crate) const EITHER: &str = "application/vnd.kubernetes.protobuf,application/json";

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Protobuf,
}

impl Encoding {
    /// That of an answer with these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        match kind.starts_with("application/vnd.kubernetes.protobuf") {
            true => Self::Protobuf,
            false => Self::Json,
        }
    }
}

/// Gathers an answer from the pieces in which it arrives.
pub(crate) trait Gather: Send {
    /// What it becomes.
    type Whole;

    /// # Errors
    /// When it can't be the answer to the question.
    fn take(&mut self, piece: &[u8]) -> Result<(), Failure>;

    /// # Errors
    /// When it ended early, or is not what was asked for.
    fn end(self) -> Result<Self::Whole, Failure>;
}

/// One JSON value.
pub(crate) struct Json<T>(Vec<u8>, PhantomData<fn() -> T>);

impl<T> Json<T> {
    pub(crate) const fn begin(_: Encoding) -> Self {
        Self(Vec::new(), PhantomData)
    }
}

impl<T: DeserializeOwned> Gather for Json<T> {
    type Whole = T;

    fn take(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.0.extend_from_slice(piece);
        Ok(())
    }

    fn end(self) -> Result<T, Failure> {
        from_json(&self.0)
    }
}

/// An object that comes in either encoding, or only in JSON.
pub(crate) trait Object: Sized {
    /// # Errors
    /// When it is none.
    fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Self, Failure>;
}

/// What is read from JSON alone.
pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| Failure::Malformed(mistake(&error)))
}

/// What is asked for in JSON alone: custom resources have nothing else, and of the rest there are few.
pub(crate) trait OnlyJson: DeserializeOwned {}

impl<T: OnlyJson> Object for T {
    fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Self, Failure> {
        match encoding {
            Encoding::Json => from_json(bytes),
            Encoding::Protobuf => Err(Failure::Malformed("protobuf came, and was not asked for".to_owned())),
        }
    }
}

/// One object in whichever encoding it comes.
pub(crate) struct One<T>(Encoding, Vec<u8>, PhantomData<fn() -> T>);

impl<T> One<T> {
    pub(crate) const fn begin(encoding: Encoding) -> Self {
        Self(encoding, Vec::new(), PhantomData)
    }
}

impl<T: Object> Gather for One<T> {
    type Whole = T;

    fn take(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.1.extend_from_slice(piece);
        Ok(())
    }

    fn end(self) -> Result<T, Failure> {
        match self.0 {
            Encoding::Json => T::decode(Encoding::Json, &self.1),
            Encoding::Protobuf => T::decode(Encoding::Protobuf, &inner(&self.1)?),
        }
    }
}

/// What stands around the objects of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: String,
    /// Where the next page begins; empty at the end.
    pub(crate) token: String,
}

/// A list whose objects are converted one by one as they arrive, so that it is never in memory in whole.
pub(crate) struct Listed<'a, R, V> {
    parts: Parts,
    convert: &'a (dyn Fn(R) -> Result<V, InventoryError> + Sync),
    all: Result<Vec<V>, InventoryError>,
}

enum Parts {
    Json(Elements),
    Protobuf(Items),
}

impl<'a, R, V> Listed<'a, R, V> {
    pub(crate) fn begin(
        encoding: Encoding,
        convert: &'a (dyn Fn(R) -> Result<V, InventoryError> + Sync),
    ) -> Self {
        let parts = match encoding {
            Encoding::Json => Parts::Json(Elements::default()),
            Encoding::Protobuf => Parts::Protobuf(Items::default()),
        };
        Self { parts, convert, all: Ok(Vec::new()) }
    }
}

impl<R: Object, V: Send> Gather for Listed<'_, R, V> {
    /// An object that can't be used fails the list, but only one of the kind that was asked for.
    type Whole = (Frame, Result<Vec<V>, InventoryError>);

    fn take(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let Self { parts, convert, all } = self;
        let mut keep = |encoding, object: &[u8]| {
            let raw = R::decode(encoding, object)?;
            if let Ok(kept) = all {
                match convert(raw) {
                    Ok(value) => kept.push(value),
                    Err(error) => *all = Err(error),
                }
            }
            Ok(())
        };
        match parts {
            Parts::Json(elements) => elements.take(piece, &mut |object| keep(Encoding::Json, object)),
            Parts::Protobuf(items) => items.take(piece, &mut |object| keep(Encoding::Protobuf, object)),
        }
    }

    fn end(self) -> Result<Self::Whole, Failure> {
        let frame = match self.parts {
            Parts::Json(elements) => elements.end()?,
            Parts::Protobuf(items) => items.end()?,
        };
        Ok((frame, self.all))
    }
}
