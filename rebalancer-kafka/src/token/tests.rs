//! Token endpoints over loopback, and what is read of their answers.

use secrecy::ExposeSecret as _;
use tempfile::NamedTempFile;
use wiremock::matchers::{basic_auth, body_string, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::security::{Sasl, Security, Token};

const SECRET: &str = "hush:a b";

struct World {
    server: MockServer,
    secret: NamedTempFile,
}

impl World {
    async fn new() -> Self {
        let (server, secret) = (MockServer::start().await, NamedTempFile::new().unwrap());
        std::fs::write(secret.path(), format!("{SECRET}\n")).unwrap();
        Self { server, secret }
    }

    /// The endpoint as it is set, with a key in its URL that nobody may see.
    fn endpoint(&self) -> TokenEndpoint {
        TokenEndpoint {
            url: format!("{}/token?key=canary", self.server.uri()).parse().unwrap(),
            client_id: "the rebalancer".to_owned(),
            client_secret_file: self.secret.path().to_owned(),
            scope: Some("kafka read".to_owned()),
        }
    }

    fn settings(&self) -> Settings {
        let security = Security::SaslPlaintext(Sasl::OauthBearer(Token::Endpoint(self.endpoint())));
        Settings::new(["kafka:9092".parse().unwrap()], "g").unwrap().security(security)
    }

    /// Answers at most so often, in this way.
    async fn answers(&self, status: u16, body: &str, times: u64) {
        let answer = ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/json");
        let mock = Mock::given(method("POST")).and(path("/token")).respond_with(answer);
        mock.up_to_n_times(times).mount(&self.server).await;
    }

    async fn fetched(&self, settings: &Settings) -> Result<String, Failure> {
        let token = settings.tokens.of(&self.endpoint(), settings).await;
        token.map(|token| token.expose_secret().to_owned())
    }

    async fn requests(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }
}

#[tokio::test]
async fn a_token_is_fetched_by_client_credentials_and_kept_while_it_is_fresh() {
    let world = World::new().await;
    Mock::given(method("POST"))
        .and(path("/token"))
        .and(basic_auth("the%20rebalancer", "hush%3Aa%20b"))
        .and(body_string("grant_type=client_credentials&scope=kafka+read"))
        .respond_with(
            ResponseTemplate::new(200).set_body_raw(r#"{"access_token":"one","expires_in":60}"#, "text/json"),
        )
        .mount(&world.server)
        .await;
    let settings = world.settings();
    for _ in 0..3 {
        assert_eq!(world.fetched(&settings).await, Ok("one".to_owned()));
    }
    assert_eq!(world.requests().await, 1);
    settings.tokens.forget().await;
    assert_eq!(world.fetched(&settings).await, Ok("one".to_owned()));
    assert_eq!(world.requests().await, 2, "one that a broker refused is not used again");
}

#[tokio::test]
async fn a_token_is_fetched_again_before_it_expires() {
    let world = World::new().await;
    world.answers(200, r#"{"access_token":"one","expires_in":1}"#, 1).await;
    world.answers(200, r#"{"access_token":"two"}"#, 2).await;
    let settings = world.settings();
    let first = Instant::now();
    assert_eq!(world.fetched(&settings).await, Ok("one".to_owned()));
    let second = loop {
        match world.fetched(&settings).await.unwrap() {
            token if token == "one" => tokio::time::sleep(Duration::from_millis(5)).await,
            token => break token,
        }
    };
    assert_eq!(second, "two");
    assert!(first.elapsed() >= Duration::from_millis(800), "{:?}", first.elapsed());
    assert_eq!(world.requests().await, 2);
    assert_eq!(world.fetched(&settings).await, Ok("two".to_owned()));
    assert_eq!(world.requests().await, 3, "one that does not say how long it is valid is used once");
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_told_apart_from_one_that_fails() {
    let world = World::new().await;
    let endpoint = format!("{}/token", world.server.uri());
    world.answers(401, r#"{"error":"invalid_client"}"#, 1).await;
    let refused = Misconfiguration::TokenRefused {
        endpoint: endpoint.clone(),
        message: "401 Unauthorized: invalid_client".to_owned(),
    };
    assert_eq!(world.fetched(&world.settings()).await, Err(refused.into()));
    for (status, body, why) in [
        (503, "", "it answers 503 Service Unavailable"),
        (429, "", "it answers 429 Too Many Requests"),
        (302, "", "it answers 302 Found"),
        (200, "<html>", "its answer has no access_token that can be used"),
    ] {
        world.answers(status, body, 1).await;
        let failure = world.fetched(&world.settings()).await.unwrap_err();
        assert_eq!(failure, Failure::NoToken { endpoint: endpoint.clone(), why: why.to_owned() });
        assert!(failure.passes());
    }
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let world = World::new().await;
    let repeated = format!(r#"{{"error":"unknown secret {SECRET}"}}"#);
    for (status, body) in [(400, repeated.as_str()), (500, &repeated), (200, &repeated)] {
        world.answers(status, body, 1).await;
        let failure = world.fetched(&world.settings()).await.unwrap_err();
        let text = format!("{failure:?} {}", failure.message());
        assert!(!text.contains("hush") && !text.contains("canary"), "{text}");
    }
    let mut endpoint = world.endpoint();
    let port = {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        closed.local_addr().unwrap().port()
    };
    endpoint.url = format!("http://127.0.0.1:{port}/token?key=canary").parse().unwrap();
    let settings = world.settings();
    let failure = settings.tokens.of(&endpoint, &settings).await.unwrap_err();
    let text = format!("{failure:?} {} {endpoint:?} {settings:?}", failure.message());
    assert!(text.contains(&format!("http://127.0.0.1:{port}/token")), "{text}");
    assert!(!text.contains("hush") && !text.contains("canary"), "{text}");
}

#[tokio::test]
async fn an_endpoint_that_is_silent_is_named() {
    let world = World::new().await;
    let answer = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    Mock::given(method("POST")).respond_with(answer).mount(&world.server).await;
    let settings = world.settings().request_timeout(Duration::from_millis(200));
    let failure = world.fetched(&settings).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::NoToken { why, .. } if why.contains("no answer within")),
        "{failure:?}"
    );
}

#[test]
fn an_id_or_a_secret_is_encoded_only_where_it_must_be() {
    assert_eq!(encoded("aZ0-._~"), "aZ0-._~");
    assert_eq!(encoded("a:b c%ä"), "a%3Ab%20c%25%C3%A4");
}

#[test]
fn a_token_has_no_letters_that_end_its_message() {
    let read =
        |body: &str| token(body.as_bytes()).map(|(token, valid)| (token.expose_secret().to_owned(), valid));
    let hour = Some(Duration::from_secs(3600));
    assert_eq!(read(r#"{"access_token":"a.b-c=","expires_in":3600}"#), Some(("a.b-c=".to_owned(), hour)));
    assert_eq!(read(r#"{"access_token":"a","expires_in":"3600"}"#), Some(("a".to_owned(), hour)));
    assert_eq!(read(r#"{"access_token":"a"}"#), Some(("a".to_owned(), None)));
    for bad in ["", "{}", r#"{"access_token":""}"#, r#"{"access_token":"a\u0001auth=b"}"#, "<html>"] {
        assert_eq!(read(bad), None, "{bad}");
    }
}

#[test]
fn the_words_of_an_endpoint_are_told_unless_they_repeat_the_secret() {
    let of = |body: &str| reason(body.as_bytes(), "hu sh");
    assert_eq!(of(r#"{"error":"invalid_client"}"#), ": invalid_client");
    let described = r#"{"error":"invalid_scope","error_description":"no such scope"}"#;
    assert_eq!(of(described), ": invalid_scope, no such scope");
    for hidden in [r#"{"error":"wrong: hu sh"}"#, r#"{"error":"wrong: hu%20sh"}"#, "<html>", "{}"] {
        assert_eq!(of(hidden), "", "{hidden}");
    }
}
