use super::*;
use crate::fixture::{pod, samples};

fn load(number: f64) -> Load {
    Load::new(number).unwrap()
}

fn identity(uid: Option<&str>, container: Option<&str>, node: Option<&str>) -> Identity {
    Identity {
        pod: uid.map(Uid::new),
        container: container.map(ContainerId::new),
        node: node.map(Text::from),
    }
}

fn claims(of: &[(&str, Identity, f64)]) -> Claims {
    let mut claims = Claims::default();
    for (pod, identity, number) in of {
        claims.add(*pod, identity.clone(), load(*number));
    }
    claims
}

/// The pod `a` on the node `node-1`, in which the container `new` runs.
fn running() -> Pod {
    Pod { container_id: Some(ContainerId::new("new")), ..pod("a") }
}

const UID: Option<&str> = Some("uid-a");

#[test]
fn memory_is_the_running_container_s_and_a_dead_one_s_is_nobody_s() {
    let old = ("a", identity(UID, Some("old"), None), 9.0);
    let new = ("a", identity(UID, Some("new"), None), 1.0);
    let settle = |of: &[_], pod: &Pod| claims(of).settle(pod, Indicator::Memory);
    assert_eq!(settle(&[old.clone(), new.clone()], &running()), Settled::Running(load(1.0)));
    assert_eq!(settle(std::slice::from_ref(&old), &running()), Settled::OfOthers);
    // A copy that does not tell its container may be of either.
    let copy = ("a", identity(UID, None, None), 9.0);
    assert_eq!(settle(&[copy.clone(), new.clone()], &running()), Settled::Running(load(1.0)));
    assert_eq!(settle(&[copy.clone(), old.clone()], &running()), Settled::OfPod(load(9.0)));
    // While none runs, none is the running one.
    assert_eq!(settle(&[old, new], &pod("a")), Settled::OfPod(load(9.0)));
    assert_eq!(settle(&[copy], &pod("b")), Settled::Unclaimed);
}

#[test]
fn cpu_of_the_pod_s_containers_is_added_up_and_copies_are_not() {
    let of = [
        ("a", identity(UID, Some("old"), None), 0.5),
        ("a", identity(UID, Some("new"), None), 0.25),
        ("a", identity(UID, Some("new"), Some("node-1")), 0.2),
        ("a", identity(None, None, None), 0.7),
        ("a", identity(Some("another"), Some("x"), None), 5.0),
    ];
    assert_eq!(claims(&of).settle(&running(), Indicator::Cpu), Settled::OfPod(load(0.75)));
    assert_eq!(claims(&of[3..]).settle(&running(), Indicator::Cpu), Settled::OfPod(load(0.7)));
    assert_eq!(claims(&of[4..]).settle(&running(), Indicator::Cpu), Settled::OfOthers);
}

#[test]
fn the_uid_of_a_pod_from_a_file_is_another_one_at_the_api() {
    let of = claims(&[("a", identity(Some("hash"), Some("new"), None), 1.0)]);
    let mirror = Pod { mirror: true, ..running() };
    assert_eq!(of.settle(&mirror, Indicator::Memory), Settled::Running(load(1.0)));
}

#[test]
fn a_node_counts_only_by_the_names_that_kubernetes_has() {
    let on = |node| ("a", identity(None, None, Some(node)), 1.0);
    let settle = |of: &[_], names| claims(of).settle_by(&running(), Indicator::Cpu, names);
    let (known, others) = (NodeNames::OfKubernetes, NodeNames::Others);
    assert_eq!(
        claims(&[on("node-1"), on("node-7")]).settle(&running(), Indicator::Cpu),
        Settled::OfPod(load(1.0))
    );
    assert_eq!(settle(&[on("node-7")], known), Settled::OfOthers);
    assert_eq!(settle(&[on("10.0.0.7")], others), Settled::OfPod(load(1.0)), "another language");
    let nodes = vec!["10.0.0.1".to_owned(), "10.0.0.7".to_owned()];
    assert_eq!(settle(&[on("10.0.0.7"), on("10.0.0.1")], others), Settled::Unclear { nodes });
    // A UID tells it better than any node.
    let by_uid = ("a", identity(UID, None, Some("10.0.0.1")), 2.0);
    assert_eq!(settle(&[by_uid], known), Settled::OfPod(load(2.0)));
}

#[test]
fn samples_are_settled_one_by_one_and_what_is_in_doubt_is_missing() {
    let of = claims(&[
        ("a", identity(UID, Some("old"), Some("node-1")), 9.0),
        ("a", identity(UID, Some("new"), Some("node-1")), 1.0),
        ("b", identity(Some("another"), Some("x"), None), 9.0),
        ("c", identity(None, None, Some("node-7")), 9.0),
        ("gone", identity(Some("gone"), None, None), 9.0),
    ]);
    let pods = [running(), pod("b"), pod("c"), pod("d"), pod("e")];
    let found = samples(&[("a", 9.0), ("b", 9.0), ("c", 9.0), ("d", 4.0), ("gone", 9.0)]);
    let own = of.own(found.clone(), Indicator::Memory, pods.iter(), |_| false);
    assert_eq!(own, Ok(samples(&[("a", 1.0), ("d", 4.0), ("gone", 9.0)])));
    let own = of.own(found, Indicator::Memory, pods.iter(), |_| true);
    assert_eq!(own, Ok(samples(&[("a", 1.0), ("gone", 9.0)])), "of the running container there is no doubt");
}

#[test]
fn of_whom_a_sample_is_unclear_is_named() {
    let of =
        claims(&[("a", identity(None, None, Some("x")), 9.0), ("a", identity(None, None, Some("y")), 9.0)]);
    let own = of.own(samples(&[("a", 9.0)]), Indicator::Cpu, [running()].iter(), |_| false);
    assert_eq!(own, Err(("a".to_owned(), vec!["x".to_owned(), "y".to_owned()])));
}
