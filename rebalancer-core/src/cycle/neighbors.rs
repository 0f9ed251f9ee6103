//! Asks the neighbors that the policy names what they do with the fleet.

use std::collections::BTreeSet;

use crate::fleet::{Neighbor, Pod, UnreadNeighbor};
use crate::policy::Policy;
use crate::port::{Inventory, InventoryError};
use crate::snapshot::Surroundings;

/// What they tell, and which of them did not: no request where the policy names none. One after the other, since each request
/// more at the same time is another connection to the API server.
pub async fn neighbors(
    inventory: &dyn Inventory,
    workload: &str,
    pods: &[Pod],
    policy: &Policy,
) -> Surroundings {
    let mut around = Surroundings::default();
    for &neighbor in &policy.guards.neighbors {
        if let Err(error) = ask(inventory, workload, pods, neighbor, &mut around).await {
            around.unread_neighbors.push(UnreadNeighbor { neighbor, error: error.to_string() });
        }
    }
    around
}

async fn ask(
    inventory: &dyn Inventory,
    workload: &str,
    pods: &[Pod],
    neighbor: Neighbor,
    around: &mut Surroundings,
) -> Result<(), InventoryError> {
    match neighbor {
        Neighbor::Nodes => {
            let nodes: BTreeSet<&str> = pods.iter().filter_map(|pod| pod.node.as_deref()).collect();
            let nodes: Vec<&str> = nodes.into_iter().collect();
            around.leaving_nodes = inventory.leaving_nodes(&nodes).await?;
        }
        Neighbor::Flagger | Neighbor::Keda => {
            around.at_work.extend(inventory.at_work(neighbor, workload).await?);
        }
        Neighbor::Vpa => around.vertical = inventory.vertical(workload).await?,
    }
    Ok(())
}
