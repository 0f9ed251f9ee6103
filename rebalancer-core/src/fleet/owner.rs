//! References to controlling objects.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::Uid;

/// An [`OwnerReference`]. A clone shares it, until one of both is changed: all pods of a ReplicaSet have the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner(Arc<OwnerReference>);

/// A reference to the object that controls another one, as that one carries it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Owner"))]
pub struct OwnerReference {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `ReplicaSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its identity: a name can be taken over by another object.
    pub uid: Uid,
}

impl Owner {
    /// A reference to this object of `apps/v1`, such as a `ReplicaSet` or a `StatefulSet`.
    #[must_use]
    pub fn of_apps(kind: impl Into<String>, name: impl Into<String>, uid: impl AsRef<str>) -> Self {
        let api_version = "apps/v1".to_owned();
        OwnerReference { api_version, kind: kind.into(), name: name.into(), uid: Uid::new(uid) }.into()
    }
}

impl From<OwnerReference> for Owner {
    fn from(reference: OwnerReference) -> Self {
        Self(Arc::new(reference))
    }
}

impl Deref for Owner {
    type Target = OwnerReference;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Owner {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Owner {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Owner {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        OwnerReference::deserialize(from).map(Self::from)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Owner {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        OwnerReference::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        OwnerReference::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        OwnerReference::json_schema(generator)
    }
}
