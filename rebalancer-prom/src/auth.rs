//! Credentials. Secrets stay in their files and are read for every request, because tokens rotate.

use std::path::{Path, PathBuf};

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// How to authenticate. White space around a secret in a file is cut off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer`, with the token in this file.
    BearerFile(PathBuf),
    /// `Authorization: Basic`.
    Basic {
        /// The user name.
        username: String,
        /// The file with the password.
        password_file: PathBuf,
    },
}

impl Auth {
    /// The request with its credentials, or which file is to blame.
    pub(crate) fn apply(&self, request: RequestBuilder) -> Result<RequestBuilder, String> {
        match self {
            Self::None => Ok(request),
            Self::BearerFile(path) => Ok(request.header(AUTHORIZATION, bearer(path)?)),
            Self::Basic { username, password_file } => {
                let password = secret(password_file)?;
                Ok(request.basic_auth(username, Some(password.expose_secret().trim())))
            }
        }
    }
}

impl Auth {
    /// The part of it that must not be shown, as far as its file can be read.
    pub(crate) fn secret(&self) -> Option<SecretString> {
        match self {
            Self::None => None,
            Self::BearerFile(path) | Self::Basic { password_file: path, .. } => {
                secret(path).ok().map(|secret| SecretString::from(secret.expose_secret().trim()))
            }
        }
    }
}

fn bearer(path: &Path) -> Result<HeaderValue, String> {
    let token = secret(path)?;
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret().trim()))
        .map_err(|_| format!("{} holds characters that no token has", path.display()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Blocks, but for a few bytes that the kubelet keeps in memory.
fn secret(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path)
        .map(SecretString::from)
        .map_err(|error| format!("can't read {}: {error}", path.display()))?;
    if text.expose_secret().trim().is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(text)
}
