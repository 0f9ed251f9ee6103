//! One kubeconfig as it is written. An empty value is as good as none, as kubectl has it.

use std::path::{Path, PathBuf, absolute};

use kube::config::{AuthInfo, Cluster, NamedAuthInfo, NamedCluster};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_saphyr::Error as YamlError;

use super::error::{ConnectError, Mistake};

/// What a context names.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Context {
    #[serde(default)]
    pub(super) cluster: Option<String>,
    #[serde(default)]
    pub(super) user: Option<String>,
    #[serde(default)]
    pub(super) namespace: Option<String>,
}

/// A kubeconfig by itself: entries by name, in their order.
#[derive(Default)]
pub(super) struct Written {
    pub(super) current_context: Option<String>,
    pub(super) contexts: Vec<(String, Context)>,
    pub(super) clusters: Vec<(String, Cluster)>,
    pub(super) users: Vec<(String, AuthInfo)>,
}

#[derive(Default, Deserialize)]
struct Document {
    kind: Option<String>,
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    #[serde(rename = "current-context")]
    current_context: Option<String>,
    contexts: Option<Vec<NamedContext>>,
    clusters: Option<Vec<NamedCluster>>,
    users: Option<Vec<NamedAuthInfo>>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Option<Context>,
}

/// The content of this file.
///
/// # Errors
/// When it is no kubeconfig: where, and what kind of mistake it is, but never the content.
pub(super) fn read(file: &Path, bytes: &[u8]) -> Result<Written, ConnectError> {
    let text =
        text(bytes).ok_or_else(|| ConnectError::malformed(file, "it is no text in UTF-8 or UTF-16"))?;
    // A snippet would show what may be a secret.
    let options = serde_saphyr::options! { with_snippet: false };
    let document: Option<Document> = serde_saphyr::from_str_with_options(&text, options)
        .map_err(|error| ConnectError::Malformed { file: file.to_owned(), mistake: mistake(&error) })?;
    let document = document.unwrap_or_default();
    if let Some(problem) = of_another_kind(&document) {
        return Err(ConnectError::malformed(file, problem));
    }
    let folder = absolute(file).ok().and_then(|file| file.parent().map(Path::to_owned)).unwrap_or_default();
    let Document { current_context, contexts, clusters, users, .. } = document;
    let contexts = contexts.unwrap_or_default().into_iter();
    let clusters = clusters.unwrap_or_default().into_iter();
    let users = users.unwrap_or_default().into_iter();
    Ok(Written {
        current_context: set(current_context),
        contexts: contexts
            .map(|NamedContext { name, context }| (name, context.unwrap_or_default()))
            .collect(),
        clusters: clusters
            .map(|named| (named.name, cluster(named.cluster.unwrap_or_default(), &folder)))
            .collect(),
        users: users.map(|named| (named.name, user(named.auth_info.unwrap_or_default(), &folder))).collect(),
    })
}

/// UTF-8, or UTF-16 with a mark at its beginning, as PowerShell writes it.
fn text(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().copied().map(unit).collect();
        rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
    };
    match bytes {
        [0xff, 0xfe, text @ ..] => wide(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => wide(text, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, text @ ..] => String::from_utf8(text.to_vec()).ok(),
        text => String::from_utf8(text.to_vec()).ok(),
    }
}

fn of_another_kind(document: &Document) -> Option<&'static str> {
    let is = |value: &Option<String>, wanted| value.as_deref().is_none_or(|it| it.is_empty() || it == wanted);
    if !is(&document.kind, "Config") {
        Some("its kind is not Config")
    } else if !is(&document.api_version, "v1") {
        Some("its apiVersion is not v1")
    } else {
        None
    }
}

/// Where it is and of which kind. The parser's own words may quote a value.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "another crate's enum: any other kind has the general sentence"
)]
fn mistake(error: &YamlError) -> Mistake {
    let at = error.location().filter(|at| at.line() > 0);
    let kind = match error.without_snippet() {
        YamlError::SerdeMissingField { field, .. } => format!("'{field}' is missing"),
        YamlError::DuplicateMappingKey { .. } => "a key stands there twice".to_owned(),
        YamlError::MultipleDocuments { .. } => {
            "a second YAML document begins, of which kubectl reads nothing".to_owned()
        }
        YamlError::SerdeInvalidType { .. }
        | YamlError::SerdeInvalidValue { .. }
        | YamlError::SerdeInvalidLength { .. }
        | YamlError::InvalidScalar { .. }
        | YamlError::InvalidBooleanStrict { .. }
        | YamlError::NullIntoString { .. }
        | YamlError::SerdeUnknownVariant { .. }
        | YamlError::Unexpected { .. } => "a value is of another type than a kubeconfig has there".to_owned(),
        _ => "it is no valid YAML".to_owned(),
    };
    Mistake { line: at.map(|at| at.line()), column: at.map(|at| at.column()), kind }
}

fn cluster(cluster: Cluster, folder: &Path) -> Cluster {
    let certificate_authority_data = data(cluster.certificate_authority_data);
    Cluster {
        server: set(cluster.server),
        certificate_authority: path(cluster.certificate_authority, folder),
        certificate_authority_data,
        proxy_url: set(cluster.proxy_url),
        tls_server_name: set(cluster.tls_server_name),
        ..cluster
    }
}

fn user(user: AuthInfo, folder: &Path) -> AuthInfo {
    let secret = |value: Option<SecretString>| value.filter(|value| !value.expose_secret().is_empty());
    let mut exec = user.exec;
    if let Some(exec) = &mut exec {
        // A name without a separator is looked for in PATH.
        exec.command = match set(exec.command.take()) {
            Some(command) if command.contains(std::path::MAIN_SEPARATOR) => path(Some(command), folder),
            bare => bare,
        };
    }
    AuthInfo {
        username: set(user.username),
        password: secret(user.password),
        token: secret(user.token),
        token_file: path(user.token_file, folder),
        client_certificate: path(user.client_certificate, folder),
        client_certificate_data: data(user.client_certificate_data),
        client_key: path(user.client_key, folder),
        client_key_data: user
            .client_key_data
            .and_then(|key| data(Some(key.expose_secret().to_owned())))
            .map(SecretString::from),
        impersonate: set(user.impersonate),
        impersonate_uid: set(user.impersonate_uid),
        impersonate_groups: user.impersonate_groups.filter(|groups| !groups.is_empty()),
        impersonate_user_extra: user.impersonate_user_extra.filter(|extra| !extra.is_empty()),
        exec,
        ..user
    }
}

/// Base64 may be broken into lines.
fn data(value: Option<String>) -> Option<String> {
    set(value.map(|value| value.replace(['\r', '\n'], "")))
}

fn set(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

fn path(value: Option<String>, folder: &Path) -> Option<String> {
    let value = set(value)?;
    let path: PathBuf = folder.join(&value);
    // A path that is no text can only come from the folder: then the working directory has to do.
    Some(path.into_os_string().into_string().unwrap_or(value))
}
