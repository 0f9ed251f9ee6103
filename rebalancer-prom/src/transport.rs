//! How connections are made: trust, and what every request carries.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder, Response};
use secrecy::ExposeSecret;

use crate::auth::Auth;
use crate::client_error::ClientError;
use crate::identity;
use crate::settings::ClientSettings;
use crate::text::chain;

/// A silent address is given up early, so that another attempt can reach another server behind the same name.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How much of an error page is read, in bytes.
const ERROR_PAGE_LIMIT: usize = 16 << 10;

/// The connections of one client.
pub(crate) fn build(settings: &ClientSettings) -> Result<reqwest::Client, ClientError> {
    let builder = ClientBuilder::new()
        .user_agent(user_agent(&settings.user_agent)?)
        .default_headers(headers(settings)?)
        .connect_timeout(CONNECT_LIMIT)
        .redirect(Policy::none())
        .gzip(true);
    let builder = settings.proxy.set(builder, settings)?;
    identified(trust(builder, settings)?, settings)?
        .build()
        .map_err(|error| ClientError::Build { message: chain(&error.without_url()) })
}

/// Reads until the end or until just beyond the limit, in bytes. Counts after decompression, so a small bomb stays small.
pub(crate) async fn read(
    mut response: Response,
    limit: usize,
    received: impl Fn(usize),
) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    fill(&mut body, &mut response, limit, received).await?;
    Ok(body)
}

/// The beginning of an error page, as far as it comes: the status has said what matters.
pub(crate) async fn error_page(mut response: Response, received: impl Fn(usize)) -> Vec<u8> {
    let mut page = Vec::new();
    let _broken_off = fill(&mut page, &mut response, ERROR_PAGE_LIMIT, received).await;
    page
}

async fn fill(
    body: &mut Vec<u8>,
    response: &mut Response,
    limit: usize,
    received: impl Fn(usize),
) -> reqwest::Result<()> {
    while body.len() <= limit
        && let Some(chunk) = response.chunk().await?
    {
        received(chunk.len());
        body.extend_from_slice(&chunk);
    }
    Ok(())
}

fn trust(builder: ClientBuilder, settings: &ClientSettings) -> Result<ClientBuilder, ClientError> {
    match &settings.ca_file {
        Some(path) => Ok(builder.tls_certs_merge(authorities(path)?)),
        // reqwest insists on the system's authorities even when nothing will be encrypted; a small image has none.
        None if !settings.endpoint.is_tls() => Ok(builder.tls_certs_only([])),
        None => Ok(builder),
    }
}

fn identified(builder: ClientBuilder, settings: &ClientSettings) -> Result<ClientBuilder, ClientError> {
    match &settings.client_certificate {
        Some(files) if !settings.endpoint.is_tls() => Err(ClientError::ClientCertificate {
            path: files.certificate.clone(),
            problem: "is of no use for an endpoint without https".to_owned(),
        }),
        Some(files) => Ok(builder.identity(identity::read(files)?)),
        None => Ok(builder),
    }
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, ClientError> {
    let problem = |problem: String| ClientError::CaFile { path: path.to_owned(), problem };
    let pem = std::fs::read(path).map_err(|error| problem(format!("can't be read: {error}")))?;
    let found = Certificate::from_pem_bundle(&pem)
        // The parser's own words quote a line that it does not understand, and that may be one of a key.
        .map_err(|_| problem("is no whole PEM text".to_owned()))?;
    if found.is_empty() {
        return Err(problem("holds no PEM certificate".to_owned()));
    }
    Ok(found)
}

fn user_agent(text: &str) -> Result<HeaderValue, ClientError> {
    HeaderValue::try_from(text).map_err(|_| ClientError::Header {
        name: reqwest::header::USER_AGENT.to_string(),
        problem: "has a value with characters that can't be sent",
    })
}

fn headers(settings: &ClientSettings) -> Result<HeaderMap, ClientError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let problem = |problem| ClientError::Header { name: name.clone(), problem };
        let key = HeaderName::try_from(name).map_err(|_| problem("is no header name"))?;
        let mut value = HeaderValue::try_from(value.expose_secret())
            .map_err(|_| problem("has a value with characters that can't be sent"))?;
        if key == reqwest::header::AUTHORIZATION && settings.auth != Auth::None {
            return Err(problem("contradicts the authentication that is set"));
        }
        value.set_sensitive(true);
        headers.append(key, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;

    fn problem(settings: ClientSettings) -> String {
        Client::new(&settings).unwrap_err().to_string()
    }

    #[test]
    fn settings_that_can_not_work_are_refused_without_contacting_anybody() {
        let settings = || ClientSettings::new("https://m".parse().unwrap());
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(problem(settings().timeout(Duration::ZERO)), "the time-out must be more than zero");
        assert_eq!(problem(settings().header("a b", "x".into())), "the header 'a b' is no header name");
        assert_eq!(
            problem(settings().header("a", "hush\n".into())),
            "the header 'a' has a value with characters that can't be sent"
        );
        assert_eq!(
            problem(settings().user_agent("a\nb")),
            "the header 'user-agent' has a value with characters that can't be sent"
        );
        assert_eq!(
            problem(settings().auth(Auth::BearerFile("t".into())).header("Authorization", "hush".into())),
            "the header 'Authorization' contradicts the authentication that is set"
        );
        assert!(
            problem(settings().ca_file("/nowhere/ca")).starts_with("the CA file /nowhere/ca can't be read: ")
        );
        assert!(problem(settings().ca_file(file.path())).ends_with("holds no PEM certificate"));
    }
}
