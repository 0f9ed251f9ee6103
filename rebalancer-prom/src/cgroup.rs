//! Whose a series of the kubelet's cAdvisor is, by its labels. Pure.
//!
//! The label `id` is the path of a container's cgroup, which the kubelet makes of the pod's UID and the runtime of the
//! container's ID (`pkg/kubelet/cm` of Kubernetes, with the drivers `cgroupfs` and `systemd`):
//!
//! ```text
//!   /kubepods/burstable/pod0b6c1f0e-…/4f1c…
//!   /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0b6c1f0e_….slice/cri-containerd-4f1c….scope
//! ```

use rebalancer_core::fleet::{ContainerId, Identity, Text, Uid};

use crate::copies::Labels;

/// Hexadecimal digits of a container's ID, of every runtime.
const CONTAINER: usize = 64;
/// Those of a UID, without its dashes.
const UID: usize = 32;

/// Takes the labels away that tell whose a series is. What has not the form that it must have tells nothing: a `uid` or
/// `container_id` that is something else stays, and is judged like any other label.
pub(crate) fn identity(labels: &mut Labels) -> Identity {
    let path = labels.remove("id").unwrap_or_default();
    let by_label = take(labels, "uid", uid);
    let container_by_label =
        take(labels, "container_id", |text| container(text.split_once("://").map_or(text, |(_, id)| id)));
    Identity {
        pod: path.split('/').rev().find_map(pod_of_cgroup).or(by_label).map(Uid::new),
        container: path
            .rsplit('/')
            .next()
            .and_then(container_of_cgroup)
            .or(container_by_label)
            .map(ContainerId::new),
        node: labels.remove("node").filter(|node| !node.is_empty()).map(Text::from),
    }
}

fn take(labels: &mut Labels, name: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let found = read(labels.get(name)?)?;
    labels.remove(name);
    Some(found)
}

fn pod_of_cgroup(segment: &str) -> Option<String> {
    let segment = segment.strip_suffix(".slice").unwrap_or(segment);
    let named = segment.rsplit_once("-pod").map(|(_, uid)| uid).or_else(|| segment.strip_prefix("pod"))?;
    uid(&named.replace('_', "-"))
}

fn container_of_cgroup(segment: &str) -> Option<String> {
    let segment = segment.strip_suffix(".scope").unwrap_or(segment);
    container(segment.rsplit_once('-').map_or(segment, |(_, id)| id))
}

fn container(text: &str) -> Option<String> {
    (text.len() == CONTAINER && text.bytes().all(is_hexadecimal)).then(|| text.to_owned())
}

/// A UUID; of a pod that the kubelet made of a file, a hash.
fn uid(text: &str) -> Option<String> {
    let digits = text.bytes().filter(|byte| *byte != b'-').count();
    let plain = text.bytes().all(|byte| byte == b'-' || is_hexadecimal(byte));
    (digits == UID && plain).then(|| text.to_owned())
}

fn is_hexadecimal(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "0b6c1f0e-1f2a-4a51-9c2d-3f8f5d2f7a10";

    fn id() -> String {
        "4f1c".repeat(16)
    }

    fn read(pairs: &[(&str, &str)]) -> (Identity, Vec<String>) {
        let mut labels: Labels =
            pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let found = identity(&mut labels);
        (found, labels.into_keys().collect())
    }

    fn of(pod: Option<&str>, container: Option<String>) -> Identity {
        Identity { pod: pod.map(Uid::new), container: container.map(ContainerId::new), node: None }
    }

    #[test]
    fn a_cgroup_tells_the_pod_and_the_container_with_every_driver_and_runtime() {
        let id = id();
        let under = POD.replace('-', "_");
        for path in [
            format!("/kubepods/burstable/pod{POD}/{id}"),
            format!("/kubepods/pod{POD}/{id}"),
            format!(
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{under}.slice/cri-containerd-{id}.scope"
            ),
            format!("/kubepods.slice/kubepods-pod{under}.slice/crio-{id}.scope"),
            format!(
                "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod{under}.slice/docker-{id}.scope"
            ),
        ] {
            assert_eq!(read(&[("id", &path)]), (of(Some(POD), Some(id.clone())), vec![]), "{path}");
        }
        let hash = "9c2d".repeat(8);
        let fixed = format!("/kubepods/burstable/pod{hash}/{id}");
        assert_eq!(read(&[("id", &fixed)]).0, of(Some(&hash), Some(id)));
    }

    #[test]
    fn what_has_another_form_tells_nothing() {
        for path in [
            "",
            "/",
            "/pod/x",
            "/system.slice/kubelet.service",
            "/kubepods/burstable/podx-y/4f1c",
            "/x-podinfo/y",
        ] {
            assert_eq!(read(&[("id", path)]).0, Identity::default(), "{path}");
        }
        let left = vec!["container_id".to_owned(), "uid".to_owned()];
        assert_eq!(read(&[("uid", "1000"), ("container_id", "web")]), (Identity::default(), left));
    }

    #[test]
    fn labels_that_say_it_outright_count_too() {
        let id = id();
        let containerd = format!("containerd://{id}");
        let found = read(&[("uid", POD), ("container_id", &containerd), ("node", "n1"), ("app", "x")]);
        let expected = Identity { node: Some("n1".into()), ..of(Some(POD), Some(id)) };
        assert_eq!(found, (expected, vec!["app".to_owned()]));
        assert_eq!(read(&[("node", "")]).0, Identity::default());
    }
}
