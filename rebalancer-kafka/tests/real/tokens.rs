//! Tokens that are fetched by client credentials, and what a real broker says of them.

use rebalancer_core::port::{GroupError, GroupSource, Misconfiguration};
use rebalancer_kafka::{KafkaGroupSource, Sasl, Security, Token, TokenEndpoint};
use wiremock::matchers::{basic_auth, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::access::{broker, log, tls, token};
use crate::broker::Listener;

const SECRET: &str = "hush-0123456789";

async fn gives(server: &MockServer, status: u16, body: String, times: u64) {
    let answer = ResponseTemplate::new(status).set_body_raw(body, "application/json");
    let mock = Mock::given(method("POST")).and(basic_auth("rebalancer", SECRET)).respond_with(answer);
    mock.up_to_n_times(times).mount(server).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn a_token_is_fetched_believed_and_fetched_anew_when_a_broker_refused_it() {
    let broker = broker().await;
    let now = jiff::Timestamp::now().as_second();
    let server = MockServer::start().await;
    let body = |token: &str| format!(r#"{{"access_token":"{token}","expires_in":3600}}"#);
    let (expired, valid) = (token(now, now - 3600), token(now, now + 3600));
    gives(&server, 401, r#"{"error":"invalid_client"}"#.to_owned(), 1).await;
    gives(&server, 200, body(&expired), 1).await;
    gives(&server, 200, body(&valid), 1).await;
    let endpoint = TokenEndpoint {
        url: format!("{}/token", server.uri()).parse().unwrap(),
        client_id: "rebalancer".to_owned(),
        client_secret_file: broker.file("client-secret", SECRET),
        scope: None,
    };
    let security = Security::SaslSsl(tls(broker), Sasl::OauthBearer(Token::Endpoint(endpoint)));
    let source = KafkaGroupSource::new(broker.settings(Listener::SaslSsl, "any").security(security));

    let refused = source.group().await.unwrap_err();
    assert!(
        matches!(refused, GroupError::Misconfigured(Misconfiguration::TokenRefused { .. })),
        "{refused:?}"
    );
    let expired_too = source.group().await.unwrap_err();
    assert!(
        matches!(expired_too, GroupError::Misconfigured(Misconfiguration::CredentialsRefused { .. })),
        "{expired_too:?}"
    );
    // This user may do nothing, which the broker can only know after it believed the token.
    for _ in 0..2 {
        assert!(matches!(source.group().await, Err(GroupError::Unauthorized { .. })));
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 3, "the last one is kept");
    for shown in [format!("{refused:?} {expired_too:?}"), log()] {
        for secret in [SECRET, &expired, &valid] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
