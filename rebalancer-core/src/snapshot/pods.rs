//! The pods of a snapshot, which its report shows too.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::ObservedPod;

/// Pods by name and then UID. A clone shares them, until one of both is changed: a report shows the pods of its snapshot, and
/// copies of their names would be most of what a decision costs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pods(Arc<Vec<ObservedPod>>);

impl Deref for Pods {
    type Target = Vec<ObservedPod>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Pods {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl From<Vec<ObservedPod>> for Pods {
    fn from(pods: Vec<ObservedPod>) -> Self {
        Self(Arc::new(pods))
    }
}

impl FromIterator<ObservedPod> for Pods {
    fn from_iter<I: IntoIterator<Item = ObservedPod>>(pods: I) -> Self {
        Self::from(Vec::from_iter(pods))
    }
}

impl<'a> IntoIterator for &'a Pods {
    type Item = &'a ObservedPod;
    type IntoIter = std::slice::Iter<'a, ObservedPod>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Pods {
    type Item = &'a mut ObservedPod;
    type IntoIter = std::slice::IterMut<'a, ObservedPod>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Pods {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn what_is_shared_is_changed_for_one_alone() {
        let first = Pods::from(fixture::snapshot(&[1.0, 2.0], None).pods.to_vec());
        let mut second = first.clone();
        second.pop();
        assert_eq!((first.len(), second.len()), (2, 1));
    }
}
