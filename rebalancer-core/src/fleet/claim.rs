//! Whose a load is, as the labels of its series tell: a name is no identity, and a series outlives its container.

use std::collections::{BTreeMap, BTreeSet};

use super::{ContainerId, Indicator, Pod, Samples, Text, Uid};
use crate::unit::Load;

/// What the labels of a series say of whose it is. `None` is not said, which fits everybody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Identity {
    /// The pod's UID.
    pub pod: Option<Uid>,
    /// The container's ID, without its runtime: `4f1c…`.
    pub container: Option<ContainerId>,
    /// The node, by whatever name the metric system has for it.
    pub node: Option<Text>,
}

impl Identity {
    /// Nothing is said.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self { pod: None, container: None, node: None })
    }
}

/// Loads of one indicator by what their series say of whose they are, for pods of which some series says it. A pod has
/// several of them while the metric system still shows its predecessor of the same name, or a container of it that died.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Claims(BTreeMap<String, Vec<(Identity, Load)>>);

/// What is known of a pod's load when claims are compared with what Kubernetes says of the pod.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// No series says whose it is.
    Unclaimed,
    /// Of the container that runs now.
    Running(Load),
    /// Of the pod, whichever of its containers it is.
    OfPod(Load),
    /// Every series is of another pod, or of a container that does not run any more.
    OfOthers,
    /// Its series name several nodes, and none of them is a name that Kubernetes has.
    Unclear {
        /// The names.
        nodes: Vec<String>,
    },
}

impl Claims {
    /// A load of the pod of this name.
    pub fn add(&mut self, pod: impl Into<String>, identity: Identity, load: Load) {
        self.0.entry(pod.into()).or_default().push((identity, load));
    }

    /// Nobody's series says whose it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The samples of these pods by what their claims come to, and those that nobody claims as they are.
    ///
    /// # Errors
    /// With the first pod, and its nodes, of which it is not [clear](Settled::Unclear).
    pub(crate) fn own<'a>(
        &self,
        mut samples: Samples,
        indicator: Indicator,
        pods: impl Iterator<Item = &'a Pod> + Clone,
        is_in_doubt: impl Fn(&Pod) -> bool,
    ) -> Result<Samples, (String, Vec<String>)> {
        let names = self.node_names(pods.clone());
        for pod in pods {
            let Some(&load) = samples.get(&pod.name) else { continue };
            let known = match self.settle_by(pod, indicator, names) {
                Settled::Running(load) => Some(load),
                Settled::Unclaimed if is_in_doubt(pod) => None,
                Settled::OfPod(_) if is_in_doubt(pod) => None,
                Settled::Unclaimed => Some(load),
                Settled::OfPod(load) => Some(load),
                Settled::OfOthers => None,
                Settled::Unclear { nodes } => return Err((pod.name.clone(), nodes)),
            };
            match known {
                Some(load) => samples.insert(pod.name.clone(), load),
                None => samples.remove(&pod.name),
            };
        }
        Ok(samples)
    }

    /// The load of a pod. CPU of all its containers of one name is added up, since a rate covers a whole window; memory is
    /// that of the container that runs, since two were never used at the same time.
    #[must_use]
    pub fn settle(&self, pod: &Pod, indicator: Indicator) -> Settled {
        self.settle_by(pod, indicator, self.node_names(std::iter::once(pod)))
    }

    fn settle_by(&self, pod: &Pod, indicator: Indicator, names: NodeNames) -> Settled {
        let Some(claims) = self.0.get(&pod.name) else { return Settled::Unclaimed };
        let mut own: Vec<&(Identity, Load)> = claims.iter().filter(|(of, _)| is_of_uid(of, pod)).collect();
        let nodes: BTreeSet<&str> = own.iter().filter_map(|(of, _)| of.node.as_deref()).collect();
        match names {
            // Whose UID it is needs no node.
            NodeNames::OfKubernetes => {
                own.retain(|(of, _)| of.pod.is_some() || of.node.is_none() || of.node == pod.node);
            }
            NodeNames::Others if nodes.len() > 1 && own.iter().any(|(of, _)| of.pod.is_none()) => {
                return Settled::Unclear { nodes: nodes.into_iter().map(ToOwned::to_owned).collect() };
            }
            NodeNames::Others => {}
        }
        by_container(&own, pod, indicator)
    }

    /// The names are those of Kubernetes when it has one of them for one of these pods.
    fn node_names<'a>(&self, mut pods: impl Iterator<Item = &'a Pod>) -> NodeNames {
        let is_named = |pod: &'a Pod| {
            let mut claims = self.0.get(&pod.name).into_iter().flatten();
            pod.node.is_some() && claims.any(|(of, _)| of.node == pod.node)
        };
        if pods.any(is_named) { NodeNames::OfKubernetes } else { NodeNames::Others }
    }
}

/// Whose names for nodes the series have.
#[derive(Debug, Clone, Copy)]
enum NodeNames {
    OfKubernetes,
    /// Addresses, or what a cloud calls them.
    Others,
}

/// The kubelet makes up the UID of a pod from a file on its node, of which the API shows a mirror with a UID of its own.
fn is_of_uid(of: &Identity, pod: &Pod) -> bool {
    pod.mirror || of.pod.as_ref().is_none_or(|uid| *uid == pod.uid)
}

fn by_container(own: &[&(Identity, Load)], pod: &Pod, indicator: Indicator) -> Settled {
    let mut containers: BTreeMap<&ContainerId, Load> = BTreeMap::new();
    for (of, load) in own {
        if let Some(container) = &of.container {
            let known = containers.entry(container).or_insert(*load);
            *known = larger(*known, *load);
        }
    }
    // One that says nothing of its container may be a copy of one that does.
    let others = own.iter().filter(|(of, _)| of.container.is_none()).map(|(_, load)| *load);
    let others = others.reduce(larger).map_or(Settled::OfOthers, Settled::OfPod);
    let running = pod.container_id.as_ref();
    match indicator {
        Indicator::Memory => match running {
            Some(running) => containers.get(running).map_or(others, |load| Settled::Running(*load)),
            None => {
                let largest = containers.into_values().reduce(larger);
                largest.map_or(others, Settled::OfPod)
            }
        },
        Indicator::Cpu | Indicator::Lag | Indicator::ConsumptionRate | Indicator::ProductionRate => {
            let sum = containers.values().map(|load| load.get()).sum::<f64>();
            match Load::new(sum) {
                Ok(sum) if !containers.is_empty() => Settled::OfPod(sum),
                Ok(_) | Err(_) => others,
            }
        }
    }
}

fn larger(one: Load, other: Load) -> Load {
    if other > one { other } else { one }
}

#[cfg(test)]
mod tests;
