//! Front ends of real metric servers: with the right settings the cycle goes on, with wrong ones it ends with a message
//! that says what to do, and no secret is ever shown.

use std::fs;

use crate::harness::authority::Authority;
use crate::harness::check::check;
use crate::harness::example::WORKED_EXAMPLE;
use crate::harness::fleet::Fleet;
use crate::harness::forward_proxy::ForwardProxy;
use crate::harness::front::{Demand, Front, write_token};
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::process::free_port;
use crate::harness::rebalancer::{Rebalancer, Run};

/// All that is in a secret of these scenarios has this in it; `hush` is also what `aHVzaA==` means.
const SECRETS: [&str; 2] = ["hush", "aHVzaA"];
/// base64 of `me:hush`.
const ME: &str = "bWU6aHVzaA==";

/// A fleet out of balance, and both metric servers that know it.
struct Stage {
    fleet: Fleet,
    metrics: Vec<MetricServer>,
}

impl Stage {
    async fn named(name: &str) -> Self {
        let fleet = Fleet::named(name).cpu(&WORKED_EXAMPLE).hpa(70).start().await;
        let history = fleet.history(&fleet.settled().await);
        let mut metrics = Vec::new();
        for server in Server::BOTH {
            metrics.push(history.serve(server).await);
        }
        Self { fleet, metrics }
    }

    /// A file with a secret, and white space that editors leave.
    fn secret(&self, name: &str) -> String {
        let file = self.fleet.file(name);
        fs::write(&file, "hush\n").unwrap();
        file.display().to_string()
    }

    async fn run(&self, endpoint: &str, variables: &[(&str, &str)]) -> Run {
        silent(self.prepared(endpoint, variables).run().await)
    }

    fn prepared(&self, endpoint: &str, variables: &[(&str, &str)]) -> Rebalancer {
        let prepared = self.fleet.rebalancer(endpoint).envs(&[
            ("MINIMUM_PODS_REQUIRED", "2"),
            ("DRY_RUN", "true"),
            ("LOG_LEVEL", "debug"),
            ("PROMETHEUS_TIMEOUT", "5s"),
        ]);
        prepared.envs(variables)
    }

    /// A check finds its way too, and tells where each setting comes from without a secret.
    async fn checks(&self, endpoint: &str, variables: &[(&str, &str)]) {
        let (findings, run) = check(self.prepared(endpoint, variables)).await;
        silent(run).expect_exit(0);
        assert_eq!(findings.errors(), [] as [&str; 0], "{findings:#?}");
    }

    /// The cycle reads its metrics and chooses the pods of the worked example.
    async fn works(&self, endpoint: &str, variables: &[(&str, &str)]) -> Run {
        let run = self.run(endpoint, variables).await.expect_exit(0);
        assert_eq!(run.log_with(&["would_be_removed"]).len(), 4, "{}", run.stderr);
        run
    }

    /// The cycle fails, with all of these words in its error.
    async fn fails(&self, endpoint: &str, variables: &[(&str, &str)], words: &[&str]) -> Run {
        let run = self.run(endpoint, variables).await.expect_exit(1);
        let error = run.log_with(&["cycle_finished"])[0]["error"].as_str().unwrap().to_owned();
        for words in words {
            assert!(error.contains(words), "{words:?} is not in: {error}");
        }
        run
    }
}

/// The run, which has shown no secret.
fn silent(run: Run) -> Run {
    for secret in SECRETS.iter().chain(&[ME]) {
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert!(!shown.contains(secret), "{secret} in\n{shown}");
    }
    run
}

#[tokio::test]
#[ignore]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let stage = Stage::named("private-ca").await;
    let (authority, other) = (Authority::new(), Authority::new());
    let (ours, others) = (authority.file(), other.file());
    for metrics in &stage.metrics {
        let front = Front::encrypted(metrics, &[], authority.acceptor(false)).await;
        stage.works(&front.url, &[("PROMETHEUS_CA_FILE", &ours)]).await;
        assert_eq!(front.passed(), 2, "CPU and the autoscaler's target: the pods tell what they request");
        let words =
            ["UnknownIssuer", "trust the authority that signed the server's certificate: name its CA file"];
        let run = stage.fails(&front.url, &[("PROMETHEUS_CA_FILE", &others)], &words).await;
        assert!(run.log_with(&["metrics_retry"]).is_empty(), "{}", run.stderr);
        stage.fails(&front.url.replace("https", "http"), &[], &["could not be used"]).await;
        let plain = metrics.url.replace("http", "https");
        stage
            .fails(&plain, &[("PROMETHEUS_CA_FILE", &ours)], &["the server speaks no TLS at this port"])
            .await;
        assert_eq!(front.passed(), 2);
        stage.checks(&front.url, &[("PROMETHEUS_CA_FILE", &ours)]).await;
    }
}

#[tokio::test]
#[ignore]
async fn a_client_certificate_opens_the_door() {
    let stage = Stage::named("client-certificate").await;
    let authority = Authority::new();
    let other = Authority::new();
    let file = authority.file();
    let with = |[certificate, key]: &[String; 2]| {
        vec![
            ("PROMETHEUS_CA_FILE".to_owned(), file.clone()),
            ("PROMETHEUS_CLIENT_CERT_FILE".to_owned(), certificate.clone()),
            ("PROMETHEUS_CLIENT_KEY_FILE".to_owned(), key.clone()),
        ]
    };
    let (ours, strangers) = (with(&authority.sign("client")), with(&other.sign("stranger")));
    for metrics in &stage.metrics {
        let front = Front::encrypted(metrics, &[], authority.acceptor(true)).await;
        stage.works(&front.url, &borrowed(&ours)).await;
        assert_eq!(front.passed(), 2);
        // Whether the server's words arrive before the connection is gone is a matter of luck.
        for wrong in [&ours[..1], &strangers] {
            stage.fails(&front.url, &borrowed(wrong), &["could not be used"]).await;
        }
        assert_eq!(front.passed(), 2);
        stage.checks(&front.url, &borrowed(&ours)).await;
    }
    // A file that is to blame is named before anybody is asked.
    fs::remove_file(&ours[2].1).unwrap();
    let run = stage.run("https://127.0.0.1:1", &borrowed(&ours)).await.expect_exit(2);
    let named = run.log_with(&["configuration_error", "PROMETHEUS_CLIENT_KEY_FILE", "No such file"]);
    assert_eq!(named.len(), 1, "{}", run.stderr);
}

fn borrowed(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
#[ignore]
async fn a_user_name_and_a_password_open_the_door() {
    let stage = Stage::named("basic").await;
    let password = stage.secret("password");
    let as_user = |user| [("PROMETHEUS_USERNAME", user), ("PROMETHEUS_PASSWORD_FILE", password.as_str())];
    for metrics in &stage.metrics {
        let front = Front::start(metrics, &[Demand::Basic(ME)]).await;
        stage.works(&front.url, &as_user("me")).await;
        for wrong in [&as_user("you")[..], &[]] {
            let run = stage.fails(&front.url, wrong, &["401 Unauthorized, check the credentials"]).await;
            assert!(run.log_with(&["metrics_retry"]).is_empty(), "{}", run.stderr);
        }
        assert_eq!(front.passed(), 2);
        stage.checks(&front.url, &as_user("me")).await;
    }
}

#[tokio::test]
#[ignore]
async fn a_token_may_rotate_while_a_cycle_runs() {
    let stage = Stage::named("rotating").await;
    let file = stage.fleet.file("token");
    let token = file.display().to_string();
    // One after the other, so that it is known which token is good; with earlier readings, to ask once more later on.
    let variables = [
        ("PROMETHEUS_BEARER_TOKEN_FILE", token.as_str()),
        ("PROMETHEUS_CONCURRENCY", "1"),
        ("PERSISTENCE_WINDOWS", "2"),
        ("PERSISTENCE_REQUIRED", "1"),
    ];
    for metrics in &stage.metrics {
        write_token(&file, 0);
        let front = Front::start(metrics, &[Demand::Rotating(file.clone())]).await;
        stage.works(&front.url, &variables).await;
        assert_eq!(front.passed(), 3, "each with a token of its own");
        // The file is as good as the last token; a server that wants the first one again refuses it.
        let strict = Front::start(metrics, &[Demand::Rotating(stage.fleet.file("elsewhere"))]).await;
        stage.fails(&strict.url, &variables, &["401 Unauthorized, check the credentials"]).await;
        assert_eq!(strict.passed(), 0);
    }
    fs::remove_file(&file).unwrap();
    let run = stage.run("http://127.0.0.1:1", &variables).await.expect_exit(2);
    let named = run.log_with(&["configuration_error", "PROMETHEUS_BEARER_TOKEN_FILE", "No such file"]);
    assert_eq!(named.len(), 1, "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn a_tenant_below_a_path_is_asked_by_its_header() {
    let stage = Stage::named("tenant").await;
    let tenant = [("PROMETHEUS_HEADERS", "X-Scope-OrgID=hush-team")];
    for (metrics, prefix) in stage.metrics.iter().zip(["/prometheus", "/select/0/prometheus"]) {
        let demands = [Demand::Prefix(prefix), Demand::Tenant("hush-team")];
        let front = Front::start(metrics, &demands).await;
        let endpoint = format!("{}{prefix}", front.url);
        stage.works(&endpoint, &tenant).await;
        stage.works(&format!("{endpoint}/"), &tenant).await;
        assert_eq!(front.passed(), 4);
        let words = ["401 Unauthorized, name the tenant in a header such as X-Scope-OrgID: no org id"];
        stage.fails(&endpoint, &[], &words).await;
        let words = ["404 Not Found, check the path of the endpoint", "/api/v1/query"];
        stage.fails(&format!("{}/select/1", front.url), &tenant, &words).await;
        assert_eq!(front.passed(), 4);
        stage.checks(&endpoint, &tenant).await;
    }
}

#[tokio::test]
#[ignore]
async fn a_proxy_on_the_way_is_used_and_reads_no_secret_of_an_encrypted_request() {
    let stage = Stage::named("forward-proxy").await;
    let authority = Authority::new();
    let (ca, token) = (authority.file(), stage.secret("token"));
    let proxy = ForwardProxy::start().await;
    for metrics in &stage.metrics {
        stage.works(&metrics.url, &[("PROMETHEUS_PROXY", &proxy.url)]).await;
        let line = format!("POST {}/api/v1/query HTTP/1.1", metrics.url);
        assert!(proxy.seen().last().unwrap().starts_with(&line), "{:?}", proxy.seen());

        let front = Front::encrypted(metrics, &[Demand::Bearer("hush")], authority.acceptor(false)).await;
        let variables = [
            ("PROMETHEUS_PROXY", proxy.url.as_str()),
            ("PROMETHEUS_CA_FILE", &ca),
            ("PROMETHEUS_BEARER_TOKEN_FILE", &token),
        ];
        stage.works(&front.url, &variables).await;
        let seen = proxy.seen();
        let tunnel = format!("CONNECT {} HTTP/1.1", front.url.trim_start_matches("https://"));
        assert!(seen.last().unwrap().starts_with(&tunnel), "{seen:?}");
        assert!(!seen.concat().contains("hush"), "{seen:?}");
        stage.checks(&front.url, &variables).await;
    }
    let refusing = ForwardProxy::refusing("407 Proxy Authentication Required").await;
    let server = &stage.metrics[0].url;
    let words = ["407 Proxy Authentication Required, a proxy on the way asks for credentials"];
    stage.fails(server, &[("PROMETHEUS_PROXY", &refusing.url)], &words).await;
    let nobody = format!("http://127.0.0.1:{}", free_port());
    stage.fails(server, &[("PROMETHEUS_PROXY", &nobody)], &["Connection refused"]).await;
}

#[tokio::test]
#[ignore]
async fn an_answer_with_more_series_than_may_come_is_not_used() {
    let stage = Stage::named("series-limit").await;
    for metrics in &stage.metrics {
        let pods = WORKED_EXAMPLE.len().to_string();
        stage.works(&metrics.url, &[("PROMETHEUS_SERIES_LIMIT", &pods)]).await;
        let words = ["6 series came, more than the 5 that are accepted", "the query 'cpu' is: sum without"];
        stage.fails(&metrics.url, &[("PROMETHEUS_SERIES_LIMIT", "5")], &words).await;
    }
}
