//! What is asked for to tell whose the pods are, and what is made of the answers.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::fixture::{controller, owner, pod};
use crate::fleet::{DisruptionBudget, Hpa, Uid};

/// An API server that has these objects, and answers about others as told; what was asked of it.
struct Server(Vec<Controller>, Result<Option<Controller>, InventoryError>, Mutex<Vec<String>>);

#[async_trait]
impl Inventory for Server {
    async fn owner(&self, _: &str, kind: &str, name: &str) -> Result<Option<Controller>, InventoryError> {
        self.2.lock().unwrap().push(format!("{kind} {name}"));
        let fits = |object: &&Controller| object.kind == kind && object.name == name;
        self.0.iter().find(fits).cloned().map_or_else(|| self.1.clone(), |found| Ok(Some(found)))
    }
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        Ok(Vec::new())
    }
    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        Ok(Vec::new())
    }
    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        Ok(Vec::new())
    }
    async fn pod(&self, _: &str) -> Result<Option<Pod>, InventoryError> {
        Ok(None)
    }
    /// Of a CloneSet: its fourth pod is on the way.
    async fn scale(&self, _: &str, kind: &str, name: &str) -> Result<Option<Scale>, InventoryError> {
        self.2.lock().unwrap().push(format!("scale of {kind} {name}"));
        let uid = owner("CloneSet", "consumer").uid.clone();
        Ok((kind == "CloneSet").then_some(Scale { uid, desired: 4, current: 3 }))
    }
}

fn forbidden() -> Result<Option<Controller>, InventoryError> {
    let (namespace, message) = ("streams".to_owned(), "no".to_owned());
    Err(InventoryError::Forbidden { verb: "get", resource: "x", namespace, message })
}

fn owned(kind: &str, name: &str, top: Option<Owner>) -> Controller {
    Controller { owner: top, ..controller(kind, name, 1) }
}

fn pods(owners: &[Owner]) -> Vec<Pod> {
    owners.iter().map(|owner| Pod { owner: Some(owner.clone()), ..pod("p") }).collect()
}

/// What was asked, and what is the workload's own object.
async fn read(
    objects: Vec<Controller>,
    others: Result<Option<Controller>, InventoryError>,
    owners: &[Owner],
) -> (Vec<String>, Option<String>, Result<Ownership, InventoryError>) {
    let server = Server(objects, others, Mutex::default());
    let pods = pods(owners);
    let found = ownership(&server, "consumer", &pods).await;
    let top = found.as_ref().ok().and_then(|found| found.controller(pods.iter(), "consumer"));
    let top = top.map(ToString::to_string);
    (server.2.into_inner().unwrap(), top, found)
}

fn set() -> Owner {
    owner("ReplicaSet", "consumer-1")
}

#[tokio::test]
async fn a_settled_deployment_costs_two_requests_and_a_stateful_set_one() {
    let objects = vec![
        owned("ReplicaSet", "consumer-1", Some(owner("Deployment", "consumer"))),
        owned("Deployment", "consumer", None),
        owned("StatefulSet", "consumer", None),
    ];
    let (asked, top, _) = read(objects.clone(), Ok(None), &[set(), set(), set()]).await;
    assert_eq!(asked, ["ReplicaSet consumer-1", "Deployment consumer"]);
    assert_eq!(top.as_deref(), Some("Deployment consumer"));
    let (asked, top, _) = read(objects, Ok(None), &[owner("StatefulSet", "consumer")]).await;
    assert_eq!((asked.len(), top.as_deref()), (1, Some("StatefulSet consumer")));
}

#[tokio::test]
async fn a_chain_is_followed_beyond_the_workload_s_own_object_and_its_strangers_are_not() {
    let objects = vec![
        owned("ReplicaSet", "consumer-1", Some(owner("Deployment", "consumer"))),
        owned("Deployment", "consumer", Some(owner("Platform", "p"))),
        owned("Platform", "p", None),
        owned("ReplicaSet", "consumer-v2-1", Some(owner("Deployment", "consumer-v2"))),
    ];
    let strangers = [set(), owner("ReplicaSet", "consumer-v2-1"), owner("ReplicaSet", "other-1")];
    let (asked, _, _) = read(objects, Ok(None), &strangers).await;
    let expected = ["ReplicaSet consumer-1", "Deployment consumer", "Platform p", "ReplicaSet consumer-v2-1"];
    assert_eq!(asked, expected);
    // The scaled object may stand above the one that makes the pods.
    let connect = owned("StrimziPodSet", "consumer-connect", Some(owner("KafkaConnect", "consumer")));
    let direct = owner("StrimziPodSet", "consumer-connect");
    let objects = vec![connect, owned("KafkaConnect", "consumer", None)];
    let (_, top, _) = read(objects, Ok(None), &[direct]).await;
    assert_eq!(top.as_deref(), Some("KafkaConnect consumer"));
}

#[tokio::test]
async fn what_may_not_be_read_is_told_and_only_the_workload_s_own_object_must_be() {
    let rollout = owned("ReplicaSet", "consumer-1", Some(owner("Rollout", "consumer")));
    let (_, top, found) = read(vec![rollout], forbidden(), &[set()]).await;
    let unread = Unread { owner: owner("Rollout", "consumer"), why: NotRead::NotAllowed };
    assert_eq!((top, found.unwrap().unread), (None, vec![unread]));
    let deployment = owned("ReplicaSet", "consumer-1", Some(owner("Deployment", "consumer")));
    let (_, _, found) = read(vec![deployment], forbidden(), &[set()]).await;
    assert_eq!(found.unwrap_err(), forbidden().unwrap_err());
}

#[tokio::test]
async fn an_object_of_another_uid_is_not_the_owner() {
    let set_of = owned("ReplicaSet", "consumer-1", Some(owner("Deployment", "consumer")));
    let another = Controller { uid: Uid::new("x"), ..owned("Deployment", "consumer", None) };
    let (_, top, found) = read(vec![set_of, another], Ok(None), &[set()]).await;
    let unread = Unread { owner: owner("Deployment", "consumer"), why: NotRead::Replaced };
    assert_eq!((top, found.unwrap().unread), (None, vec![unread]));
}

#[tokio::test]
async fn where_no_chain_leads_to_the_workload_what_has_its_name_may_be_meant() {
    let deployment = || vec![owned("Deployment", "consumer", None)];
    let (asked, top, found) = read(deployment(), forbidden(), &[set()]).await;
    assert_eq!(asked, ["ReplicaSet consumer-1", "Deployment consumer"]);
    assert_eq!(top.as_deref(), Some("Deployment consumer"));
    assert!(found.unwrap().by_name.is_some());
    let (asked, top, _) = read(Vec::new(), Ok(None), &[]).await;
    assert_eq!(
        (asked, top),
        (vec!["Deployment consumer".to_owned(), "StatefulSet consumer".to_owned()], None)
    );
}

#[tokio::test]
async fn however_many_owners_there_are_the_requests_are_few() {
    let many: Vec<Owner> = (0..50).map(|number| owner("ReplicaSet", &format!("consumer-{number}"))).collect();
    let (asked, _, _) = read(Vec::new(), Ok(None), &many).await;
    assert_eq!(asked.len(), MOST_OWNERS + 1);
}

const ON_THE_WAY: Progress = Progress { status_is_current: true, desired: 4, current: 3, updated: 3 };

#[tokio::test]
async fn where_the_workload_s_own_object_may_not_be_read_its_scale_tells_its_numbers_and_no_marks() {
    let set = owner("CloneSet", "consumer");
    let (asked, top, found) = read(Vec::new(), forbidden(), std::slice::from_ref(&set)).await;
    assert_eq!(asked, ["CloneSet consumer", "scale of CloneSet consumer"]);
    assert_eq!(top.as_deref(), Some("CloneSet consumer"));
    let found = found.unwrap();
    let object = found.object(&set).unwrap();
    assert_eq!(object.progress, Some(ON_THE_WAY));
    assert!(found.is_by_scale(object));
    assert_eq!(found.unread, vec![Unread { owner: set.clone(), why: NotRead::NotAllowed }]);
    // Another object of its name is not it.
    let mut another = set;
    another.uid = Uid::new("x");
    let (_, top, found) = read(Vec::new(), forbidden(), &[another]).await;
    assert_eq!((top, found.unwrap().objects), (None, Vec::new()));
    // Nor is a scale asked for where it is not the workload's.
    let (asked, _, _) = read(Vec::new(), forbidden(), &[owner("CloneSet", "consumer-b")]).await;
    assert!(!asked.iter().any(|asked| asked.starts_with("scale")), "{asked:?}");
}

#[tokio::test]
async fn an_object_that_does_not_tell_its_numbers_has_those_of_its_scale() {
    let silent = Controller { progress: None, ..owned("CloneSet", "consumer", None) };
    let set = owner("CloneSet", "consumer");
    let (_, _, found) = read(vec![silent.clone()], Ok(None), std::slice::from_ref(&set)).await;
    let found = found.unwrap();
    let object = found.object(&set).unwrap();
    assert_eq!((object.progress, found.is_by_scale(object)), (Some(ON_THE_WAY), false));
    // One that tells them is believed.
    let (asked, _, _) = read(vec![owned("CloneSet", "consumer", None)], Ok(None), &[set]).await;
    assert_eq!(asked, ["CloneSet consumer"]);
}

#[tokio::test]
async fn what_was_told_by_a_scale_is_read_again_by_it() {
    let server = Server(Vec::new(), forbidden(), Mutex::default());
    let pods = pods(&[owner("CloneSet", "consumer")]);
    let found = ownership(&server, "consumer", &pods).await.unwrap();
    let known = Controller { progress: None, ..found.controller(pods.iter(), "consumer").unwrap().clone() };
    let now = again(&server, &found, &known).await.unwrap().unwrap();
    assert_eq!((now.uid, now.progress), (known.uid.clone(), Some(ON_THE_WAY)));
    let gone = Controller { uid: Uid::new("x"), ..known };
    let mut another = owner("CloneSet", "consumer");
    another.uid = Uid::new("x");
    let unread = vec![Unread { owner: another, why: NotRead::NotAllowed }];
    let found = Ownership { unread, ..found };
    assert_eq!(again(&server, &found, &gone).await, Ok(None));
}

#[tokio::test]
async fn marks_of_a_replica_set_count_while_only_the_scale_of_its_owner_is_known() {
    let set = owned("ReplicaSet", "consumer-1", Some(owner("CloneSet", "consumer")));
    let (_, _, found) = read(vec![set.clone()], forbidden(), &[self::set()]).await;
    let found = found.unwrap();
    let pod = &pods(&[self::set()])[0];
    let marking: Vec<String> = found.marking(pod).map(ToString::to_string).collect();
    assert_eq!(marking, ["ReplicaSet consumer-1", "CloneSet consumer"]);
}
