//! Which files make the kubeconfig.

use std::ffi::OsString;
use std::path::Path;

use rebalancer_kube::ConnectError;

use crate::machine::{Machine, Server, at, config};

#[tokio::test]
async fn a_missing_file_of_the_list_is_left_out_wherever_it_stands() {
    for list in [&["missing", "good"][..], &["good", "missing"], &["", "good", ""], &["good", "good"]] {
        let server = Server::new().await;
        let machine = Machine::new().file("good", config(&at(&server), "token: abc")).listing(list).in_pod(1);
        assert!(machine.sends(server).await.contains("authorization: bearer abc\r\n"), "{list:?}");
    }
}

#[tokio::test]
async fn the_first_file_that_has_a_name_wins_and_nothing_of_the_others_is_mixed_in() {
    let (right, wrong) = (Server::new().await, Server::new().await);
    let first = "current-context: ''\nclusters: []\nusers: [{name: u, user: {username: me}}]\n";
    let second = config(&at(&right), "token: second");
    let third =
        config(&at(&wrong), "token: third").replace("current-context: here", "current-context: there");
    let machine =
        Machine::new().file("1", first).file("2", second).file("3", third).listing(&["1", "2", "3"]);
    let request = machine.sends(right).await;
    // "me:"
    assert!(request.contains("authorization: basic bwu6\r\n"), "{request}");
}

#[tokio::test]
async fn an_empty_variable_is_as_good_as_none() {
    let server = Server::new().await;
    let mut machine = Machine::new().file("home/.kube/config", config(&at(&server), "token: abc"));
    machine.environment.home = Some(machine.path("home"));
    machine.environment.kubeconfig = Some(OsString::new());
    assert!(machine.sends(server).await.contains("bearer abc"));
}

#[tokio::test]
async fn a_list_of_nothing_does_not_lead_to_the_home() {
    let mut machine = Machine::new().file("home/.kube/config", config("server: 'http://127.0.0.1:1'", ""));
    machine.environment.home = Some(machine.path("home"));
    machine.environment.kubeconfig = Some(":".into());
    assert!(machine.error().await.nothing_configured());
}

#[tokio::test]
async fn a_file_that_is_named_has_to_be_there() {
    let mut machine = Machine::new().in_pod(1);
    machine.settings.kubeconfig = Some("/nowhere/config".into());
    let error = machine.error().await;
    assert!(matches!(&error, ConnectError::Unreadable { file, .. } if file == Path::new("/nowhere/config")));
    assert!(error.to_string().contains("No such file"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_there_and_can_not_be_used_is_never_passed_over() {
    for (text, told) in [
        ("clusters: {", "line 1, column "),
        ("kind: Pod", "its kind is not Config"),
        ("apiVersion: v2", "its apiVersion is not v1"),
        ("users: [{name: u}, {name: u}]", "'users' has the name 'u' twice"),
        ("clusters: 3", "line 1, column 11: a value is of another type"),
        ("clusters: [{cluster: {}}]", "'name' is missing"),
        ("---\nkind: Config\n---\nkind: Config\n", "a second YAML document"),
    ] {
        let good = config("server: 'http://127.0.0.1:1'", "");
        let machine = Machine::new().file("bad", text).file("good", good).listing(&["bad", "good"]).in_pod(1);
        let error = machine.error().await;
        assert!(matches!(&error, ConnectError::Malformed { .. }), "{error}");
        assert!(error.to_string().contains(told) && error.to_string().contains("/bad"), "{error}");
        assert!(!error.nothing_configured());
    }
    let folder = Machine::new().file("folder/x", "").listing(&["folder"]).in_pod(1);
    assert!(matches!(folder.error().await, ConnectError::Unreadable { .. }));
}

#[tokio::test]
async fn text_from_other_systems_is_read() {
    for mark in [&[0xff, 0xfe][..], &[0xfe, 0xff], &[0xef, 0xbb, 0xbf], &[]] {
        let server = Server::new().await;
        let text = config(&at(&server), "token: abc");
        let mut bytes = mark.to_vec();
        match mark {
            [0xff, _] => bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            [0xfe, _] => bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            _ => bytes.extend(text.as_bytes()),
        }
        let machine = Machine::new().file("config", bytes).listing(&["config"]);
        assert!(machine.sends(server).await.contains("bearer abc"), "{mark:?}");
    }
}
