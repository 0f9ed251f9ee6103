//! Each way of access, with what happens when it is wrong. No message tells a secret.

use std::fmt::Debug;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, Once};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rebalancer_core::port::{GroupError, GroupSource, Misconfiguration};
use rebalancer_kafka::{KafkaGroupSource, Login, Sasl, Security, Tls, TlsIdentity, Token};

use crate::authority::Authority;
use crate::broker::{Broker, Listener, PASSWORD, USER, WRONG_PASSWORD};
use crate::fleet::Fleet;

/// A group that is not there: who gets to know that has access.
const GROUP: &str = "nobody-has-this-group";

pub(crate) async fn broker() -> &'static Broker {
    tokio::task::spawn_blocking(Broker::shared).await.unwrap()
}

async fn result(broker: &Broker, listener: Listener, security: Security) -> Result<(), GroupError> {
    let settings = broker.settings(listener, GROUP).security(security);
    let shown = format!("{settings:?}");
    log();
    let result = KafkaGroupSource::new(settings).group().await;
    no_secret_in(&shown);
    no_secret_in(&log());
    no_secret_in(&result);
    if let Err(error) = &result {
        no_secret_in(&error.to_string());
    }
    match result {
        Ok(_) | Err(GroupError::NoSuchGroup { .. } | GroupError::Unauthorized { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// All that was told by `tracing` so far, at every level.
pub(crate) fn log() -> String {
    #[derive(Clone, Copy)]
    struct Log;
    static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    static INSTALLED: Once = Once::new();
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            LINES.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    INSTALLED.call_once(|| {
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        log.with_writer(|| Log).init();
    });
    String::from_utf8(LINES.lock().unwrap().clone()).unwrap()
}

fn no_secret_in(shown: &impl Debug) {
    let shown = format!("{shown:?}");
    for secret in [PASSWORD, WRONG_PASSWORD, "canary"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

fn login(broker: &Broker, password: &str) -> Login {
    let name = if password == PASSWORD { "password" } else { "wrong" };
    Login { username: USER.to_owned(), password_file: broker.file(name, &format!("{password}\n")) }
}

pub(crate) fn tls(broker: &Broker) -> Tls {
    Tls { ca_file: Some(broker.authority.file()), identity: None }
}

fn misconfigured(result: Result<(), GroupError>) -> Misconfiguration {
    match result {
        Err(GroupError::Misconfigured(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn plaintext_and_ssl_work_and_each_is_told_from_the_other() {
    let broker = broker().await;
    assert_eq!(result(broker, Listener::Plaintext, Security::Plaintext).await, Ok(()));
    assert_eq!(result(broker, Listener::Ssl, Security::Ssl(tls(broker))).await, Ok(()));

    let address = broker.address(Listener::Ssl).to_string();
    let problem = misconfigured(result(broker, Listener::Ssl, Security::Plaintext).await);
    assert_eq!(problem, Misconfiguration::ListenerSpeaksTls { address });
    let address = broker.address(Listener::Plaintext).to_string();
    let problem = misconfigured(result(broker, Listener::Plaintext, Security::Ssl(tls(broker))).await);
    assert_eq!(problem, Misconfiguration::ListenerSpeaksPlaintext { address });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn a_certificate_of_another_authority_or_for_another_host_is_not_trusted() {
    let broker = broker().await;
    let other = Authority::new(&broker.folder.path().join("other"));
    for ca_file in [Some(other.file()), None] {
        let problem = misconfigured(
            result(broker, Listener::Ssl, Security::Ssl(Tls { ca_file, identity: None })).await,
        );
        assert!(matches!(problem, Misconfiguration::ServerCertificate { .. }), "{problem:?}");
    }
    let mut address = broker.address(Listener::Ssl);
    address.host = "localhost".to_owned();
    let settings =
        rebalancer_kafka::Settings::new([address], GROUP).unwrap().security(Security::Ssl(tls(broker)));
    let problem = misconfigured(KafkaGroupSource::new(settings).group().await.map(drop));
    assert!(matches!(problem, Misconfiguration::ServerCertificate { .. }), "{problem:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn a_client_certificate_is_used_and_its_files_are_read_again() {
    let broker = broker().await;
    let [certificate_file, key_file] = broker.authority.sign("trusted", &[]);
    let identity = TlsIdentity { certificate_file, key_file };
    let with = |identity| Security::Ssl(Tls { ca_file: Some(broker.authority.file()), identity });
    assert_eq!(result(broker, Listener::Mtls, with(Some(identity.clone()))).await, Ok(()));
    let problem = misconfigured(result(broker, Listener::Mtls, with(None)).await);
    assert!(matches!(problem, Misconfiguration::ClientCertificate { .. }), "{problem:?}");

    let stranger = Authority::new(&broker.folder.path().join("stranger"));
    let files = stranger.sign("trusted", &[]);
    let copies = ["rotated.crt", "rotated.key"].map(|name| broker.folder.path().join(name));
    let copy = |files: &[PathBuf; 2]| {
        for (from, to) in files.iter().zip(&copies) {
            std::fs::copy(from, to).unwrap();
        }
    };
    copy(&files);
    let rotated = TlsIdentity { certificate_file: copies[0].clone(), key_file: copies[1].clone() };
    let source = KafkaGroupSource::new(broker.settings(Listener::Mtls, GROUP).security(with(Some(rotated))));
    let problem = misconfigured(source.group().await.map(drop));
    assert!(matches!(problem, Misconfiguration::ClientCertificate { .. }), "{problem:?}");
    copy(&[identity.certificate_file, identity.key_file]);
    assert!(matches!(source.group().await, Err(GroupError::NoSuchGroup { .. })), "the new files count");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn passwords_work_by_each_mechanism_and_wrong_ones_are_refused() {
    let mut fleet = Fleet::start().await;
    let broker = fleet.broker;
    fleet.order(&format!("acl User:{USER} Describe GROUP {GROUP}")).await;
    let mechanisms: [fn(Login) -> Sasl; 3] = [Sasl::Plain, Sasl::ScramSha256, Sasl::ScramSha512];
    for mechanism in mechanisms {
        let right = || mechanism(login(broker, PASSWORD));
        assert_eq!(result(broker, Listener::SaslPlaintext, Security::SaslPlaintext(right())).await, Ok(()));
        assert_eq!(result(broker, Listener::SaslSsl, Security::SaslSsl(tls(broker), right())).await, Ok(()));

        let wrong = mechanism(login(broker, WRONG_PASSWORD));
        let named = wrong.mechanism();
        match misconfigured(result(broker, Listener::SaslSsl, Security::SaslSsl(tls(broker), wrong)).await) {
            Misconfiguration::CredentialsRefused { mechanism, .. } => assert_eq!(mechanism, named),
            other => panic!("{other:?}"),
        }
    }
    assert!(log().contains("SaslAuthenticate"), "what was searched for secrets tells of them");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn what_a_listener_wants_of_sasl_is_told() {
    let broker = broker().await;
    let plain = || Sasl::Plain(login(broker, PASSWORD));

    let problem = misconfigured(result(broker, Listener::SaslPlaintext, Security::Plaintext).await);
    let Misconfiguration::SaslRequired { offered, .. } = problem else { panic!("{problem:?}") };
    assert!(offered.contains(&"SCRAM-SHA-512".to_owned()), "{offered:?}");

    let address = broker.address(Listener::Plaintext).to_string();
    let problem = misconfigured(result(broker, Listener::Plaintext, Security::SaslPlaintext(plain())).await);
    assert_eq!(problem, Misconfiguration::SaslNotOffered { address });

    let address = broker.address(Listener::Scram).to_string();
    let problem = misconfigured(result(broker, Listener::Scram, Security::SaslPlaintext(plain())).await);
    let (mechanism, offered) = ("PLAIN".to_owned(), vec!["SCRAM-SHA-512".to_owned()]);
    assert_eq!(problem, Misconfiguration::MechanismNotOffered { address, mechanism, offered });

    let address = broker.address(Listener::SaslSsl).to_string();
    let problem = misconfigured(result(broker, Listener::SaslSsl, Security::SaslPlaintext(plain())).await);
    assert_eq!(problem, Misconfiguration::ListenerSpeaksTls { address });
}

/// An unsecured token, which a broker without a validator takes.
pub(crate) fn token(now: i64, expires: i64) -> String {
    let part = |json: String| URL_SAFE_NO_PAD.encode(json);
    let claims = format!(r#"{{"sub":"canary-subject","iat":{now},"exp":{expires}}}"#);
    format!("{}.{}.", part(r#"{"alg":"none"}"#.to_owned()), part(claims))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn a_token_is_read_again_when_it_was_renewed() {
    let broker = broker().await;
    let now = jiff::Timestamp::now().as_second();
    let token = |expires: i64| token(now, expires);
    let expired = token(now - 3600);
    let token_file = broker.file("token", &expired);
    let security = Security::SaslSsl(tls(broker), Sasl::OauthBearer(Token::File(token_file.clone())));
    let source = KafkaGroupSource::new(broker.settings(Listener::SaslSsl, GROUP).security(security));
    let problem = misconfigured(source.group().await.map(drop));
    let shown = format!("{problem:?}");
    assert!(matches!(problem, Misconfiguration::CredentialsRefused { .. }), "{shown}");
    for shown in [shown, log()] {
        assert!(!shown.contains(expired.split('.').nth(1).unwrap()), "{shown}");
    }

    std::fs::write(&token_file, token(now + 3600)).unwrap();
    // This user may do nothing, which the broker can only know after it believed the token.
    assert!(matches!(source.group().await, Err(GroupError::Unauthorized { .. })));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java"]
async fn files_that_are_missing_empty_or_no_pem_are_named() {
    let broker = broker().await;
    let absent = broker.folder.path().join("absent");
    let empty = broker.file("empty", "\n");
    let garbage = broker.file("garbage", "canary");
    let [certificate_file, _] = broker.authority.sign("half", &[]);
    let identity = |key_file: &PathBuf| Tls {
        ca_file: Some(broker.authority.file()),
        identity: Some(TlsIdentity {
            certificate_file: certificate_file.clone(),
            key_file: key_file.clone(),
        }),
    };
    let password =
        |password_file: &PathBuf| Login { username: USER.to_owned(), password_file: password_file.clone() };
    let authority = |file: &PathBuf| Security::Ssl(Tls { ca_file: Some(file.clone()), identity: None });
    for (bad, listener, security) in [
        (&absent, Listener::Ssl, authority(&absent)),
        (&garbage, Listener::Ssl, authority(&garbage)),
        (&garbage, Listener::Mtls, Security::Ssl(identity(&garbage))),
        (&absent, Listener::SaslPlaintext, Security::SaslPlaintext(Sasl::Plain(password(&absent)))),
        (&empty, Listener::SaslPlaintext, Security::SaslPlaintext(Sasl::ScramSha256(password(&empty)))),
    ] {
        match misconfigured(result(broker, listener, security).await) {
            Misconfiguration::File { path, .. } => assert_eq!(path, bad.display().to_string()),
            other => panic!("{other:?}"),
        }
    }
}
