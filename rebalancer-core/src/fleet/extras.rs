//! What few pods have, and which therefore takes memory of those alone that have it.

use std::fmt;
use std::ops::{Deref, DerefMut};

use jiff::Timestamp;

use super::{Requests, Text};

/// An [`Extra`] of a pod, read and written like one. It takes memory only of a pod that has something of it.
#[derive(Clone, Default)]
pub struct Extras(Option<Box<Extra>>);

/// What few pods have.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Extra {
    /// When the target container started that runs now, if another one ran before it in this pod.
    pub restarted_at: Option<Timestamp>,
    /// The pod's priority class.
    pub priority_class: Option<Text>,
    /// What somebody does to it just now.
    #[cfg_attr(feature = "serde", serde(default))]
    pub disturbance: Option<Disturbance>,
    /// Requests of the pod as a whole (`spec.resources`, with its overhead), where it sets them.
    pub whole: Requests,
}

static NONE: Extra = Extra {
    restarted_at: None,
    priority_class: None,
    disturbance: None,
    whole: Requests { cpu: None, memory: None },
};

/// What somebody does to a pod just now, as its conditions say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Disturbance {
    /// Its resources are being changed where it is (`PodResizeInProgress`).
    Resize,
    /// It is on its way out by an eviction, a preemption or a taint (`DisruptionTarget`).
    Eviction,
}

impl From<Extra> for Extras {
    fn from(extra: Extra) -> Self {
        Self((extra != NONE).then(|| Box::new(extra)))
    }
}

impl Deref for Extras {
    type Target = Extra;

    fn deref(&self) -> &Extra {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Extras {
    fn deref_mut(&mut self) -> &mut Extra {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Extras {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Extras {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Extras {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Extra::deserialize(from).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_nothing_kept() {
        let (mut written, given) = (Extras::default(), Extras::from(Extra::default()));
        written.restarted_at = None;
        assert_eq!(written, given);
        assert!(given.0.is_none());
        written.priority_class = Some("batch".into());
        assert_eq!(
            (written.priority_class.as_deref(), given.priority_class.as_deref()),
            (Some("batch"), None)
        );
    }
}
