//! How connections to Kafka are protected, and who we are there. A setting that would not be used is a mistake.

use std::path::PathBuf;

use rebalancer_kafka::{Login, Sasl, Security, Tls, TlsIdentity, Token, TokenEndpoint};
use url::Url;

use super::super::access::readable;
use super::super::parse::{self, Expected, Reader};
use super::super::problem::Given;
use super::super::shown::showable;

const PROTOCOL: &str = "KAFKA_SECURITY_PROTOCOL";
const MECHANISM: &str = "KAFKA_SASL_MECHANISM";
const USER: &str = "KAFKA_SASL_USERNAME";
const PASSWORD: &str = "KAFKA_SASL_PASSWORD_FILE";
const TOKEN: &str = "KAFKA_SASL_OAUTHBEARER_TOKEN_FILE";
const ENDPOINT: &str = "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL";
const CLIENT: &str = "KAFKA_SASL_OAUTHBEARER_CLIENT_ID";
const SECRET: &str = "KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE";
const SCOPE: &str = "KAFKA_SASL_OAUTHBEARER_SCOPE";
const CA: &str = "KAFKA_SSL_CA_FILE";
const CERTIFICATE: &str = "KAFKA_SSL_CERTIFICATE_FILE";
const KEY: &str = "KAFKA_SSL_KEY_FILE";

/// `security.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl Protocol {
    const ALL: [(&str, Self); 4] = [
        ("PLAINTEXT", Self::Plaintext),
        ("SSL", Self::Ssl),
        ("SASL_PLAINTEXT", Self::SaslPlaintext),
        ("SASL_SSL", Self::SaslSsl),
    ];

    const fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    const fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }
}

/// `sasl.mechanism`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
    OauthBearer,
}

impl Mechanism {
    const ALL: [(&str, Self); 4] = [
        ("PLAIN", Self::Plain),
        ("SCRAM-SHA-256", Self::ScramSha256),
        ("SCRAM-SHA-512", Self::ScramSha512),
        ("OAUTHBEARER", Self::OauthBearer),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }

    /// What a user with a password is to it; `None` for one that has none.
    fn of_login(self) -> Option<fn(Login) -> Sasl> {
        match self {
            Self::Plain => Some(Sasl::Plain),
            Self::ScramSha256 => Some(Sasl::ScramSha256),
            Self::ScramSha512 => Some(Sasl::ScramSha512),
            Self::OauthBearer => None,
        }
    }
}

/// Every value as it was parsed, before it is known which of them count.
struct Values {
    mechanism: Option<Mechanism>,
    user: Option<String>,
    password: Option<PathBuf>,
    token: Option<PathBuf>,
    endpoint: Option<Url>,
    client: Option<String>,
    secret: Option<PathBuf>,
    scope: Option<String>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// Everything is parsed before anything is given up on, so that all problems are found.
pub(super) fn security(reader: &mut Reader<'_>) -> Option<Security> {
    let protocol = reader.required(PROTOCOL, parse::one_of(&Protocol::ALL));
    let values = Values::read(reader);
    let protocol = protocol?;
    let tls = tls(reader, protocol, &values);
    let sasl = sasl(reader, protocol, values);
    Some(match protocol {
        Protocol::Plaintext => tls.zip(sasl).map(|_| Security::Plaintext)?,
        Protocol::Ssl => sasl.and(Some(Security::Ssl(tls?)))?,
        Protocol::SaslPlaintext => tls.and(Some(Security::SaslPlaintext(sasl??)))?,
        Protocol::SaslSsl => Security::SaslSsl(tls?, sasl??),
    })
}

impl Values {
    fn read(reader: &mut Reader<'_>) -> Self {
        let mut file = |name| reader.optional(name, readable).map(PathBuf::from);
        let [password, token, secret] = [PASSWORD, TOKEN, SECRET].map(&mut file);
        let [ca, certificate, key] = [CA, CERTIFICATE, KEY].map(&mut file);
        Self {
            mechanism: reader.optional(MECHANISM, parse::one_of(&Mechanism::ALL)),
            user: reader.optional(USER, parse::text),
            endpoint: reader.optional(ENDPOINT, token_endpoint),
            client: reader.optional(CLIENT, printable),
            scope: reader.optional(SCOPE, scope),
            password,
            token,
            secret,
            ca,
            certificate,
            key,
        }
    }
}

/// What TLS needs; nothing where there is none.
fn tls(reader: &mut Reader<'_>, protocol: Protocol, values: &Values) -> Option<Tls> {
    if !protocol.has_tls() {
        let why = format!("{PROTOCOL}={} has no TLS; set SSL or SASL_SSL there", protocol.name());
        return none_of(reader, &[CA, CERTIFICATE, KEY], &why).then(Tls::default);
    }
    let identity = match together(reader, CERTIFICATE, KEY)? {
        false => None,
        true => {
            Some(TlsIdentity { certificate_file: values.certificate.clone()?, key_file: values.key.clone()? })
        }
    };
    // One that can't be read has its own problem.
    (reader.text(CA).is_some() == values.ca.is_some()).then(|| Tls { ca_file: values.ca.clone(), identity })
}

/// Who we are. `None` within: nobody.
fn sasl(reader: &mut Reader<'_>, protocol: Protocol, values: Values) -> Option<Option<Sasl>> {
    if !protocol.has_sasl() {
        let all = [MECHANISM, USER, PASSWORD, TOKEN, ENDPOINT, CLIENT, SECRET, SCOPE];
        let why = format!("{PROTOCOL}={} has no SASL; set SASL_SSL or SASL_PLAINTEXT there", protocol.name());
        return none_of(reader, &all, &why).then_some(None);
    }
    if reader.text(MECHANISM).is_none() {
        let known = Mechanism::ALL.map(|(name, _)| name).join(", ");
        let expected = format!("one of {known}, since {PROTOCOL}={}", protocol.name());
        reader.problem(MECHANISM, Given::Nothing, expected);
    }
    let mechanism = values.mechanism?;
    let why = format!("{MECHANISM}={} does not use it", mechanism.name());
    let Some(of_login) = mechanism.of_login() else {
        let alone = none_of(reader, &[USER, PASSWORD], &why);
        let token = token(reader, values);
        return alone.then_some(Some(Sasl::OauthBearer(token?)));
    };
    let alone = none_of(reader, &[TOKEN, ENDPOINT, CLIENT, SECRET, SCOPE], &why);
    let complete = all_of(reader, &[USER, PASSWORD], &format!("{MECHANISM}={}", mechanism.name()));
    if !alone || !complete {
        return None;
    }
    Some(Some(of_login(Login { username: values.user?, password_file: values.password? })))
}

/// A token that somebody else renews, or what fetches one.
fn token(reader: &mut Reader<'_>, values: Values) -> Option<Token> {
    if reader.text(TOKEN).is_some() {
        let why = format!("{TOKEN} is set; set one of the two");
        let alone = none_of(reader, &[ENDPOINT, CLIENT, SECRET, SCOPE], &why);
        return alone.then_some(Token::File(values.token?));
    }
    if ![ENDPOINT, CLIENT, SECRET, SCOPE].iter().any(|name| reader.text(name).is_some()) {
        let expected = format!(
            "a file with a token, since {MECHANISM}=OAUTHBEARER; or set {ENDPOINT}, {CLIENT} and {SECRET} to fetch one"
        );
        reader.problem(TOKEN, Given::Nothing, expected);
        return None;
    }
    let complete = all_of(reader, &[ENDPOINT, CLIENT, SECRET], "a token is fetched by client credentials");
    // A scope that can't be used has its own problem.
    if !complete || reader.text(SCOPE).is_some() != values.scope.is_some() {
        return None;
    }
    let endpoint = TokenEndpoint {
        url: values.endpoint?,
        client_id: values.client?,
        client_secret_file: values.secret?,
        scope: values.scope,
    };
    Some(Token::Endpoint(endpoint))
}

/// Whether both are set; `None` with a problem when one of them is missing.
fn together(reader: &mut Reader<'_>, one: &'static str, other: &'static str) -> Option<bool> {
    match [one, other].map(|name| reader.text(name).is_some()) {
        [true, true] => Some(true),
        [false, false] => Some(false),
        [given, _] => {
            let (set, missing) = if given { (one, other) } else { (other, one) };
            reader.problem(missing, Given::Nothing, format!("a value, since {set} is set"));
            None
        }
    }
}

/// Whether all are set; those that are not are problems.
fn all_of(reader: &mut Reader<'_>, names: &[&str], since: &str) -> bool {
    let missing: Vec<&str> = names.iter().copied().filter(|name| reader.text(name).is_none()).collect();
    for name in &missing {
        reader.problem(name, Given::Nothing, format!("a value, since {since}"));
    }
    missing.is_empty()
}

/// Whether none is set; those that are would not be used.
fn none_of(reader: &mut Reader<'_>, names: &[&str], since: &str) -> bool {
    let mut none = true;
    for name in names {
        let Some(given) = reader.text(name).map(|given| showable(name, given)) else { continue };
        none = false;
        // What can't be used has been said already.
        if !reader.has_problem(name) {
            reader.problem(name, given, format!("no value, since {since}, or unset this"));
        }
    }
    none
}

fn token_endpoint(text: &str) -> Result<Url, Expected> {
    let expected = || "a URL with https or http, such as https://login.example/oauth2/token".to_owned();
    let url = Url::parse(&parse::text(text)?).map_err(|_| expected())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(expected());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("a URL without credentials; use {CLIENT} and {SECRET}"));
    }
    Ok(url)
}

/// RFC 6749, appendix A: what the id of a client may have.
fn printable(text: &str) -> Result<String, Expected> {
    let text = parse::text(text)?;
    let fits = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if fits { Ok(text) } else { Err("printable ASCII characters".to_owned()) }
}

/// RFC 6749, appendix A: scopes with spaces between.
fn scope(text: &str) -> Result<String, Expected> {
    let fits = |c: char| c == ' ' || (c.is_ascii_graphic() && !matches!(c, '"' | '\\'));
    let text = parse::text(text)?;
    if text.chars().all(fits) {
        Ok(text)
    } else {
        Err("scopes of printable ASCII characters without quotes, separated by spaces".to_owned())
    }
}
