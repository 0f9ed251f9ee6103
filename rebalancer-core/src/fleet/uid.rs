//! Identities, in the form that takes the least memory.
//!
//! The API server's UIDs are UUIDs in lower case, and the IDs of containers are digests: their numbers say all of the text.
//! Whatever is written in another way stays the text that it is, so that two are equal exactly where their texts are.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Bytes of a UUID.
const UUID: usize = 16;
/// Bytes of a container's digest.
const DIGEST: usize = 32;

/// An object's identity. A name can be taken over by another object; a UID can't. It is compared as its text is, to the
/// letter: `5F0C…` is another one than `5f0c…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uid(Form<UUID>);

/// The ID of a container, without its runtime: `4f1c…`. It is compared as its text is, to the letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerId(Form<DIGEST>);

/// A text that mostly is so many bytes, as digits in lower case.
#[derive(Clone, PartialEq, Eq)]
enum Form<const BYTES: usize> {
    /// Only a text that these bytes give back to the letter.
    Digits([u8; BYTES]),
    Other(Arc<str>),
}

impl<const BYTES: usize> Form<BYTES> {
    fn of(text: &str) -> Self {
        Self::digits(text).map_or_else(|| Self::Other(text.into()), Self::Digits)
    }

    fn digits(text: &str) -> Option<[u8; BYTES]> {
        let mut characters = text.bytes();
        let mut bytes = [0; BYTES];
        for (place, byte) in bytes.iter_mut().enumerate() {
            if Self::has_a_dash_before(place) && characters.next()? != b'-' {
                return None;
            }
            *byte = digit(characters.next()?)? << 4 | digit(characters.next()?)?;
        }
        characters.next().is_none().then_some(bytes)
    }

    fn text(&self) -> Cow<'_, str> {
        let bytes = match self {
            Self::Digits(bytes) => bytes,
            Self::Other(text) => return Cow::Borrowed(text),
        };
        let mut text = String::with_capacity(2 * BYTES + 4);
        for (place, byte) in bytes.iter().enumerate() {
            if Self::has_a_dash_before(place) {
                text.push('-');
            }
            let digits = [byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16));
            text.extend(digits.into_iter().flatten());
        }
        Cow::Owned(text)
    }

    const fn has_a_dash_before(place: usize) -> bool {
        BYTES == UUID && matches!(place, 4 | 6 | 8 | 10)
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

/// In the order of the texts, which is also that of the bytes.
impl<const BYTES: usize> Ord for Form<BYTES> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Digits(own), Self::Digits(others)) => own.cmp(others),
            (Self::Other(own), Self::Other(others)) => own.cmp(others),
            (Self::Digits(_), Self::Other(_)) | (Self::Other(_), Self::Digits(_)) => {
                self.text().cmp(&other.text())
            }
        }
    }
}

impl<const BYTES: usize> PartialOrd for Form<BYTES> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const BYTES: usize> fmt::Display for Form<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

macro_rules! identity {
    ($name:ident) => {
        impl $name {
            /// Takes it as the API server gives it.
            #[must_use]
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Form::of(text.as_ref()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.0.to_string())
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                self.0 == Form::of(text)
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                *self == **text
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from).map(Self::new)
            }
        }
    };
}

identity!(Uid);
identity!(ContainerId);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Uid {
    fn schema_name() -> Cow<'static, str> {
        "Uid".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A pod's identity. A name can be taken over by another pod; a UID can't.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "5f0c6a52-0000-4000-8000-00000000000a";

    #[test]
    fn what_was_given_comes_back_to_the_letter() {
        let upper = TEXT.to_uppercase();
        let (without_dashes, long) = (TEXT.replace('-', ""), format!("{TEXT}0"));
        let shifted = TEXT.replacen("52-0", "5-20", 1);
        for text in [TEXT, &upper, &without_dashes, &long, &shifted, &TEXT[1..], "", "uid-1", "é"] {
            assert_eq!(Uid::new(text).to_string(), text);
            assert_eq!(
                format!("{:>40}|{:<40}", Uid::new(text), Uid::new(text)),
                format!("{text:>40}|{text:<40}")
            );
            assert_eq!(format!("{:?}", Uid::new(text)), format!("Uid({text:?})"));
        }
        let digest = "4f1c".repeat(16);
        for text in [&*digest, &digest[1..], &digest.to_uppercase(), TEXT] {
            assert_eq!(ContainerId::new(text).to_string(), text);
        }
    }

    #[test]
    fn uids_are_equal_where_their_texts_are_and_ordered_like_them() {
        let (upper, short) = (TEXT.to_uppercase(), TEXT.replace('-', ""));
        let other = TEXT.replace('a', "b");
        let texts = [TEXT, &upper, &short, &other, "", "5f0c6a52", "6", "g", "uid-1"];
        for one in texts {
            for another in texts {
                let (first, second) = (Uid::new(one), Uid::new(another));
                assert_eq!(first == second, one == another, "{one} and {another}");
                assert_eq!(first.cmp(&second), one.cmp(another), "{one} and {another}");
                assert_eq!(first == another, one == another);
            }
        }
    }

    #[test]
    fn a_uuid_takes_no_memory_of_its_own() {
        assert!(matches!(Uid::new(TEXT).0, Form::Digits(_)));
        assert!(matches!(ContainerId::new("0".repeat(64)).0, Form::Digits(_)));
        assert!(size_of::<Option<Uid>>() <= 24 && size_of::<Option<ContainerId>>() <= 40);
    }
}
