//! Objects in the few fields that matter here, as kube's watcher wants them.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::decode::{RawBudget, RawHpa, RawPod};

/// A kind that is watched.
pub(super) trait Watchable: DeserializeOwned + Clone + Send + Sync + 'static {
    const KIND: &'static str;
    const GROUP: &'static str;
    const VERSION: &'static str;
    const PLURAL: &'static str;

    /// Its name and the version of this state of it.
    fn stamp(&self) -> (Option<&str>, Option<&str>);
}

macro_rules! watchable {
    ($($raw:ty: $kind:literal, $group:literal, $version:literal, $plural:literal;)+) => {$(
        impl Watchable for $raw {
            const KIND: &'static str = $kind;
            const GROUP: &'static str = $group;
            const VERSION: &'static str = $version;
            const PLURAL: &'static str = $plural;

            fn stamp(&self) -> (Option<&str>, Option<&str>) {
                (self.metadata.name.as_deref(), self.metadata.resource_version.as_deref())
            }
        }
    )+};
}

watchable! {
    RawPod: "Pod", "", "v1", "pods";
    RawHpa: "HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers";
    RawBudget: "PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets";
}

/// An object with what kube's watcher reads of it.
#[derive(Clone)]
pub(super) struct Observed<R> {
    meta: ObjectMeta,
    pub(super) raw: R,
}

impl<R> Observed<R> {
    pub(super) fn name(&self) -> String {
        self.meta.name.clone().unwrap_or_default()
    }
}

impl<R: Watchable> fmt::Debug for Observed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", R::KIND, self.meta.name)
    }
}

impl<'de, R: Watchable> Deserialize<'de> for Observed<R> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = R::deserialize(from)?;
        let (name, version) = raw.stamp();
        let (name, resource_version) = (name.map(str::to_owned), version.map(str::to_owned));
        Ok(Self { meta: ObjectMeta { name, resource_version, ..ObjectMeta::default() }, raw })
    }
}

impl<R: Watchable> Resource for Observed<R> {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        R::KIND.into()
    }

    fn group((): &()) -> Cow<'_, str> {
        R::GROUP.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        R::VERSION.into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        R::PLURAL.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}
