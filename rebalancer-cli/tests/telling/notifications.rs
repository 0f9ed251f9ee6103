//! Who is told what happened: whole cycles, each in a process of its own, against a webhook.

use serde_json::Value;

use crate::formats::{is_cloud_event, is_slack_message};
use crate::webhook::{Answer, Encrypted, SECRET, Webhook};
use crate::world::{Run, World};

/// A cycle that tells this webhook, with these variables too.
async fn cycle(world: &World, hook: &Webhook, variables: &[(&str, &str)]) -> Run {
    let file = hook.url_file();
    let all: Vec<(&str, &str)> =
        [("NOTIFY_URL_FILE", file.as_str())].into_iter().chain(variables.iter().copied()).collect();
    world.cycle(&all).await
}

fn title(event: &Value) -> &str {
    event["data"]["title"].as_str().unwrap()
}

#[tokio::test]
async fn a_rotation_is_told_once_and_what_it_did_when_it_is_measured() {
    let (world, hook) = (World::start().await, Webhook::start([]).await);
    let soon = [("SETTLE_TIME", "1s"), ("MINIMUM_POD_AGE", "0s"), ("PERSISTENCE_WINDOWS", "1")];
    cycle(&world, &hook, &soon).await.expect_exit(0);
    assert_eq!(world.gone().len(), 2);
    assert_eq!(hook.types(), ["io.pod-rebalancer.rotation.made"]);
    let told = &hook.received()[0];
    assert_eq!(told.path, format!("/services/{SECRET}"));
    assert_eq!(told.content_type, "application/cloudevents+json; charset=utf-8");
    assert_eq!(title(&told.body), "shop/consumer: 2 of 2 selected pods were removed");
    let facts = &told.body["data"]["facts"];
    let named: Vec<&str> =
        facts["pods"].as_array().unwrap().iter().map(|pod| pod["name"].as_str().unwrap()).collect();
    assert!(world.gone().iter().all(|name| named.contains(&name.as_str())), "{facts}");
    // It settles within a second or two; until then cycles tell nothing.
    while hook.types().len() < 2 {
        cycle(&world, &hook, &soon).await.expect_exit(0);
    }
    assert_eq!(hook.types()[1], "io.pod-rebalancer.effect.measured");
    let effect = &hook.received()[1].body["data"]["facts"];
    assert_eq!(effect["rotation"], facts["rotation"]);
    assert!(effect["measured_cv"].is_number() && effect["cv_before"].is_number(), "{effect}");
    hook.received().iter().for_each(|told| is_cloud_event(&told.body));
    let ids: std::collections::BTreeSet<String> =
        hook.received().iter().map(|told| told.body["id"].to_string()).collect();
    assert_eq!(ids.len(), hook.received().len(), "each event has an id of its own");
}

#[tokio::test]
async fn a_proposal_is_told_once_by_however_many_runs_and_slack_takes_it() {
    let (world, hook) = (World::start().await, Webhook::start([]).await);
    let asking = [("APPROVAL", "required"), ("NOTIFY_FORMAT", "slack")];
    let first = cycle(&world, &hook, &asking).await.expect_exit(0);
    let id = first.line("rotation_proposed")["proposal"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        cycle(&world, &hook, &asking).await.expect_exit(0);
    }
    let [told] = &hook.received()[..] else { panic!("{:?}", hook.received()) };
    assert_eq!(told.content_type, "application/json; charset=utf-8");
    is_slack_message(&told.body);
    assert!(
        told.body["blocks"][1]["text"]["text"]
            .as_str()
            .unwrap()
            .contains(&format!("rebalancer approve {id}"))
    );
    assert!(world.gone().is_empty());
}

#[tokio::test]
async fn a_hold_that_lasts_is_told_once() {
    let (world, hook) = (World::start().await, Webhook::start([]).await);
    let held = [("MINIMUM_PODS_REQUIRED", "6"), ("NOTIFY_HOLD_AFTER", "0s")];
    for _ in 0..3 {
        cycle(&world, &hook, &held).await.expect_exit(0);
    }
    assert_eq!(hook.types(), ["io.pod-rebalancer.hold.lasts"]);
    let told = &hook.received()[0].body;
    is_cloud_event(told);
    assert_eq!(told["data"]["facts"]["hold"], "too_few_pods");
}

#[tokio::test]
async fn failures_are_told_once_and_then_the_breaker_that_they_open() {
    let (world, hook) = (World::start().await, Webhook::start([]).await);
    world.silence("/pods");
    for _ in 0..4 {
        cycle(&world, &hook, &[("KUBE_TIMEOUT", "300ms")]).await.expect_exit(1);
    }
    assert_eq!(hook.types(), ["io.pod-rebalancer.cycle.failed", "io.pod-rebalancer.breaker.opened"]);
    hook.received().iter().for_each(|told| is_cloud_event(&told.body));
}

#[tokio::test]
async fn a_dry_run_and_what_is_not_chosen_are_not_told() {
    let (world, hook) = (World::start().await, Webhook::start([]).await);
    cycle(&world, &hook, &[("DRY_RUN", "true")]).await.expect_exit(0);
    cycle(&world, &hook, &[("NOTIFY_EVENTS", "failure,hold")]).await.expect_exit(0);
    assert_eq!(world.gone().len(), 2, "it was made");
    assert_eq!(hook.received(), []);
}

#[tokio::test]
async fn it_is_sent_again_until_it_arrives_and_not_before_the_webhook_wants_it() {
    let answers = [Answer::Status(503, "busy"), Answer::Later(1)];
    let (world, hook) = (World::start().await, Webhook::start(answers).await);
    let run = cycle(&world, &hook, &[("LOG_LEVEL", "debug"), ("NOTIFY_TIMEOUT", "10s")]).await.expect_exit(0);
    let received = hook.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|told| *told == received[0]), "the same each time, with the same id");
    assert_eq!(run.log().iter().filter(|line| line["event"] == "notification_retry").count(), 2);
    assert_eq!(run.line("notification_sent")["kind"], "rotation");
}

#[tokio::test]
async fn nothing_of_a_run_depends_on_a_webhook_and_its_url_is_shown_nowhere() {
    for (answer, told) in [
        (
            Answer::Status(404, "no_service"),
            "the webhook answered 404 Not Found: no_service (by the URL in FILE, attempt 1)",
        ),
        (
            Answer::Status(403, "T0123S3cr3t is unknown"),
            "the webhook answered 403 Forbidden (by the URL in FILE, attempt 1)",
        ),
        (
            Answer::Later(3600),
            "the webhook answered 429 Too Many Requests (by the URL in FILE, attempt 1, no time for another one)",
        ),
        (Answer::Never, "no answer in time (by the URL in FILE, attempt 1)"),
    ] {
        let (world, hook) = (World::start().await, Webhook::start([answer]).await);
        let variables = [("NOTIFY_TIMEOUT", "500ms"), ("LOG_LEVEL", "debug")];
        let run = cycle(&world, &hook, &variables).await.expect_exit(0);
        assert_eq!(run.line("cycle_finished")["status"], "rebalanced");
        let told = told.replace("FILE", &hook.url_file());
        assert_eq!(run.line("notification_not_sent")["error"], told);
        assert!(!run.stderr().contains(SECRET), "{}", run.stderr());
    }
}

#[tokio::test]
async fn a_webhook_that_is_not_there_and_a_file_that_is_none_show_nothing_either() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    let name = file.display().to_string();
    // A port that nobody listens on any more.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    std::fs::write(&file, format!("http://127.0.0.1:{port}/services/{SECRET}")).unwrap();
    let variables = [("NOTIFY_URL_FILE", name.as_str()), ("NOTIFY_TIMEOUT", "500ms"), ("LOG_LEVEL", "debug")];
    let run = world.cycle(&variables).await.expect_exit(0);
    run.line("notification_not_sent");
    assert!(!run.stderr().contains(SECRET), "{}", run.stderr());
    std::fs::write(&file, format!("ftp://{SECRET}")).unwrap();
    let run = world.cycle(&variables).await.expect_exit(2);
    assert!(run.stderr().contains("it must hold one URL with http or https"), "{}", run.stderr());
    assert!(!run.stderr().contains(SECRET), "{}", run.stderr());
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_named() {
    let hook = Encrypted::start().await;
    let (url, authority) = (hook.file("url"), hook.file("ca"));
    let world = World::start().await;
    let run = world.cycle(&[("NOTIFY_URL_FILE", &url), ("NOTIFY_TIMEOUT", "500ms")]).await.expect_exit(0);
    let error = run.line("notification_not_sent")["error"].to_string();
    assert!(error.contains("certificate") && !error.contains(SECRET), "{error}");
    assert!(hook.requests.lock().unwrap().is_empty());
    let world = World::start().await;
    world.cycle(&[("NOTIFY_URL_FILE", &url), ("NOTIFY_CA_FILE", &authority)]).await.expect_exit(0);
    let requests = hook.requests.lock().unwrap();
    assert!(requests[0].starts_with(&format!("POST /services/{SECRET} HTTP/1.1\r\n")), "{requests:?}");
}
