//! Labels of pods. Those of one template's pods are mostly the same, so that many pods share them.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Labels by name. A clone shares them, until one of both is changed: a map of its own for each pod would be most of what a
/// pod takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Labels(Option<Arc<BTreeMap<String, String>>>);

impl Labels {
    /// Both are one and the same, or both are empty. Others may be equal all the same.
    pub(crate) fn are_shared_with(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(own), Some(others)) => Arc::ptr_eq(own, others),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

static NONE: BTreeMap<String, String> = BTreeMap::new();

impl Deref for Labels {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Labels {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl From<BTreeMap<String, String>> for Labels {
    fn from(labels: BTreeMap<String, String>) -> Self {
        Self(Some(labels).filter(|labels| !labels.is_empty()).map(Arc::new))
    }
}

impl<const N: usize> From<[(String, String); N]> for Labels {
    fn from(labels: [(String, String); N]) -> Self {
        BTreeMap::from(labels).into()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Labels {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Labels {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(from).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_changed_for_one_alone() {
        let first = Labels::from([("app".to_owned(), "orders".to_owned())]);
        let mut second = first.clone();
        second.insert("zone".to_owned(), "a".to_owned());
        assert_eq!((first.len(), second.len()), (1, 2));
        assert_eq!(Labels::default(), Labels::from(BTreeMap::new()));
        assert_eq!(Labels::default().get("app"), None);
    }
}
