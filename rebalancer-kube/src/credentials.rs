//! Credentials that we hold ourselves: a token in a file, which is replaced while we run; and what must never be shown.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// What stands for a secret where a text is shown.
const HIDDEN: &str = "[hidden]";

/// Shorter texts are in everybody's words by chance.
const SHORTEST_SECRET: usize = 6;

/// "Bearer authentication" and the like are no secrets.
const LONGEST_WORD: usize = 16;

/// Who we are, as far as it is not a matter of the client.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    file: Option<PathBuf>,
    /// The token that was read last; it counts when its file can't be read any more.
    last: Mutex<Option<SecretString>>,
    known: Vec<SecretString>,
}

impl Credentials {
    /// The token in this file.
    pub(crate) fn in_file(file: PathBuf) -> Self {
        Self { file: Some(file), ..Self::default() }
    }

    /// This must never be shown.
    pub(crate) fn know(&mut self, secret: &str) {
        self.known.push(SecretString::from(secret.to_owned()));
    }

    /// Adds the token to a request. Blocks, but for a few bytes that the kubelet keeps in memory.
    ///
    /// # Errors
    /// When there was never a token in the file that could be sent.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) -> Result<(), String> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match std::fs::read_to_string(file) {
            Ok(token) if !token.trim().is_empty() => *last = Some(SecretString::from(token.trim())),
            Ok(_) if last.is_none() => return Err("the file with the token is empty".to_owned()),
            Err(error) if last.is_none() => {
                return Err(format!("the file with the token can't be read: {error}"));
            }
            Ok(_) | Err(_) => {}
        }
        if let Some(token) = last.as_ref() {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
                .map_err(|_| "the file with the token holds characters that no token has".to_owned())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(())
    }

    /// A foreign text without our secrets: servers and proxies on the way may repeat what we sent.
    pub(crate) fn hide(&self, text: &str) -> String {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known.iter().chain(last.as_ref()).map(ExposeSecret::expose_secret);
        let shown = known
            .filter(|secret| secret.len() >= SHORTEST_SECRET)
            .fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN));
        ["Bearer ", "bearer ", "Basic ", "basic "]
            .iter()
            .fold(shown, |text, scheme| without_next(&text, scheme))
    }
}

/// Hides the word after each of these, when it is long enough for a secret: a plugin's token is not known here.
fn without_next(text: &str, scheme: &str) -> String {
    let mut parts = text.split(scheme);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_of_token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        let end = part.find(|c| !is_of_token(c)).unwrap_or(part.len());
        let (word, rest) = part.split_at(end);
        shown.push_str(scheme);
        shown.push_str(if word.len() > LONGEST_WORD { HIDDEN } else { word });
        shown.push_str(rest);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_and_what_follows_a_scheme_is_hidden() {
        let mut credentials = Credentials::default();
        credentials.know("hush-hush");
        for (text, shown) in [
            ("no hush-hush here", "no [hidden] here"),
            (
                "Authorization: Bearer eyJhbGciOi.eyJzdWIiOiJ4.c2ln, bad",
                "Authorization: Bearer [hidden], bad",
            ),
            (
                "WWW-Authenticate: Basic realm, Bearer authentication",
                "WWW-Authenticate: Basic realm, Bearer authentication",
            ),
        ] {
            assert_eq!(credentials.hide(text), shown);
        }
    }

    #[test]
    fn a_token_is_read_again_and_the_last_one_counts_when_its_file_is_gone() {
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let credentials = Credentials::in_file(file.to_path_buf());
        let sent = |credentials: &Credentials| {
            let mut headers = HeaderMap::new();
            credentials.add_to(&mut headers)?;
            Ok::<_, String>(headers[AUTHORIZATION].to_str().unwrap().to_owned())
        };
        assert_eq!(sent(&credentials), Err("the file with the token is empty".to_owned()));
        std::fs::write(&file, "one\n").unwrap();
        assert_eq!(sent(&credentials).unwrap(), "Bearer one");
        std::fs::write(&file, "two").unwrap();
        assert_eq!(sent(&credentials).unwrap(), "Bearer two");
        drop(file);
        assert_eq!(sent(&credentials).unwrap(), "Bearer two");
    }
}
