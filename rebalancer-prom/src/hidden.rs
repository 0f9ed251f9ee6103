//! What must never be shown: servers, and proxies on the way, may repeat in an error page what we sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rebalancer_core::port::MetricsError;
use secrecy::{ExposeSecret, SecretString};

use crate::auth::Auth;
use crate::settings::ClientSettings;

/// What stands for a secret where a text is shown.
const HIDDEN: &str = "[hidden]";

/// Shorter texts are in everybody's words by chance.
const SHORTEST: usize = 6;

/// The secrets of one client.
#[derive(Clone)]
pub(crate) struct Hidden {
    /// Values of headers, and of the query string.
    fixed: Vec<SecretString>,
    auth: Auth,
}

impl Hidden {
    pub(crate) fn of(settings: &ClientSettings) -> Self {
        let headers = settings.headers.iter().map(|(_, value)| value.clone());
        let query =
            settings.endpoint.url().query_pairs().map(|(_, value)| SecretString::from(value.as_ref()));
        Self { fixed: headers.chain(query).collect(), auth: settings.auth.clone() }
    }

    /// A body of someone else's, without our secrets. Reads the file with the secret again: it may have changed.
    pub(crate) fn hide(&self, body: &[u8]) -> Vec<u8> {
        let own = self.auth.secret();
        let basic = match (&self.auth, &own) {
            (Auth::Basic { username, .. }, Some(password)) => {
                let pair = SecretString::from(format!("{username}:{}", password.expose_secret()));
                Some(SecretString::from(STANDARD.encode(pair.expose_secret())))
            }
            (Auth::Basic { .. } | Auth::None | Auth::BearerFile(_), _) => None,
        };
        let all = self.fixed.iter().chain(&own).chain(&basic).map(ExposeSecret::expose_secret);
        let text = String::from_utf8_lossy(body).into_owned();
        let text = all
            .filter(|secret| secret.len() >= SHORTEST)
            .fold(text, |text, secret| text.replace(secret, HIDDEN));
        text.into_bytes()
    }

    /// Reads a success. What is wrong with it may be told in its own words, be it a login page, a warning, or an error that
    /// calls itself a success: they are taken from what has no secret.
    ///
    /// # Errors
    /// Those of `decode`.
    pub(crate) fn read<T>(
        &self,
        body: &[u8],
        decode: impl Fn(&[u8]) -> Result<T, MetricsError>,
    ) -> Result<T, MetricsError> {
        decode(body).map_err(|error| decode(&self.hide(body)).err().unwrap_or(error))
    }
}
