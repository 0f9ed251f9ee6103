//! What others do with the fleet: the nodes, and objects of APIs that not every cluster has.

use std::collections::BTreeSet;

use rebalancer_core::fleet::LeavingNode;
use rebalancer_core::port::InventoryError;

use tracing::{Instrument as _, info_span};

use super::{Expected, KubeInventory};
use crate::answer::OnlyJson;
use crate::classify::Right;
use crate::decode::{RawNode, gone, node};
use crate::list::List;
use crate::wire;

const GET_NODE: Right = Right { verb: "get", resource: "nodes" };
const LIST_NODES: Right = Right { verb: "list", resource: "nodes" };

/// So many nodes are read one by one; a node has some ten KiB, and a cluster may have thousands.
const FEW: usize = 16;

/// An API of a neighbor, and where its objects are.
pub(super) struct Api {
    group_version: &'static str,
    resource: &'static str,
    list: &'static str,
    right: Right,
}

pub(super) const FLAGGER: Api = Api {
    group_version: "/apis/flagger.app/v1beta1",
    resource: "canaries",
    list: "CanaryList",
    right: Right { verb: "list", resource: "canaries.flagger.app" },
};
pub(super) const KEDA: Api = Api {
    group_version: "/apis/keda.sh/v1alpha1",
    resource: "scaledobjects",
    list: "ScaledObjectList",
    right: Right { verb: "list", resource: "scaledobjects.keda.sh" },
};
pub(super) const VPA: Api = Api {
    group_version: "/apis/autoscaling.k8s.io/v1",
    resource: "verticalpodautoscalers",
    list: "VerticalPodAutoscalerList",
    right: Right { verb: "list", resource: "verticalpodautoscalers.autoscaling.k8s.io" },
};

impl KubeInventory {
    /// What objects of this API say of the workload; nothing where the cluster does not have the API.
    pub(super) async fn of_neighbor<R: OnlyJson + serde::de::DeserializeOwned + Send, T: Send>(
        &self,
        api: &Api,
        convert: impl Fn(R) -> Option<T> + Sync,
    ) -> Result<Vec<T>, InventoryError> {
        let list = self.list(api.group_version, api.resource, api.list, api.right);
        let found = list.read_if_served(|raw: R| Ok(convert(raw)));
        let found = found.instrument(info_span!("list_neighbors", resource = api.resource)).await?;
        Ok(found.unwrap_or_default().into_iter().flatten().collect())
    }

    /// Those of these nodes that are about to lose their pods. One that is not there any more has lost them.
    pub(super) async fn read_nodes(&self, nodes: &[&str]) -> Result<Vec<LeavingNode>, InventoryError> {
        if nodes.len() > FEW {
            return self.list_nodes(nodes).await;
        }
        let mut leaving = Vec::new();
        for name in nodes {
            let read = self.get::<RawNode>(wire::node(name), GET_NODE, Expected::PerhapsAllowed).await?;
            leaving.extend(read.map_or_else(|| Some(gone(name)), |raw| node(raw).1));
        }
        Ok(leaving)
    }

    async fn list_nodes(&self, nodes: &[&str]) -> Result<Vec<LeavingNode>, InventoryError> {
        let wanted: BTreeSet<&str> = nodes.iter().copied().collect();
        let list = self.list("/api/v1", "nodes", "NodeList", LIST_NODES);
        let list = List { path: Ok("/api/v1/nodes".to_owned()), ..list };
        let all = list.read(|raw: RawNode| Ok(node(raw))).await?;
        let there: BTreeSet<String> = all.iter().map(|(name, _)| name.clone()).collect();
        let lost = nodes.iter().filter(|name| !there.contains(**name)).map(|name| gone(name));
        let leaving = all.into_iter().filter_map(|(_, leaving)| leaving);
        Ok(leaving.filter(|leaving| wanted.contains(leaving.name.as_str())).chain(lost).collect())
    }
}
