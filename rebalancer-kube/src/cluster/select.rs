//! From a kubeconfig to the one cluster and the one user that its context means.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderValue};
use kube::Config;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, ExecInteractiveMode};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretString};

use super::environment::Proxies;
use super::error::{ConnectError, Known, Place};
use super::load::{From, Kubeconfig};
use super::{Target, proxy};
use crate::credentials::Credentials;

/// Settings of a cluster's exec plugins are under this name.
const PLUGIN_CONFIG: &str = "client.authentication.k8s.io/exec";

/// Where and as whom, by the context of this name or else by the current one.
pub(super) fn select(
    mut all: Kubeconfig,
    context: Option<&str>,
    proxies: &Proxies,
) -> Result<Target, ConnectError> {
    let (files, known) = (all.files(), Known(all.contexts.keys().cloned().collect()));
    let Some(name) = context.map(str::to_owned).or_else(|| all.current_context.take()) else {
        return Err(ConnectError::NoContext { files, known });
    };
    let Some(From { entry: context, .. }) = all.contexts.remove(&name) else {
        return Err(ConnectError::UnknownContext { files, context: name, known });
    };
    let cluster = context.cluster.unwrap_or_default();
    let Some(from) = all.clusters.remove(&cluster) else {
        return Err(ConnectError::UnknownCluster { files, context: name, cluster });
    };
    let user = context.user.unwrap_or_default();
    let blame = Blame { file: &from.file, place: Place::Cluster(cluster) };
    let mut config = server(&from.entry, proxies).map_err(|problem| blame.with(problem))?;
    // Like kubectl: a user who is named nowhere is nobody, and the server says what nobody may do.
    let user = all.users.remove(&user).map(|found| (user, found));
    let (place, credentials) = match user {
        None => (None, Credentials::default()),
        Some((name, From { file, entry })) => {
            let place = Place::User(name);
            let credentials = identify(&mut config, entry, &from.entry)
                .map_err(|problem| Blame { file: &file, place: place.clone() }.with(problem))?;
            (Some((file, place)), credentials)
        }
    };
    if let Some(namespace) = context.namespace.filter(|namespace| !namespace.is_empty()) {
        config.default_namespace = namespace;
    }
    let cluster = (from.file.clone(), blame.place);
    Ok(Target { config, credentials, context: Some(name), cluster: Some(cluster), user: place })
}

struct Blame<'a> {
    file: &'a Path,
    place: Place,
}

impl Blame<'_> {
    fn with(&self, problem: String) -> ConnectError {
        ConnectError::Unusable { file: self.file.to_owned(), place: self.place.clone(), problem }
    }
}

/// Where the server is, and how it is trusted.
fn server(cluster: &Cluster, proxies: &Proxies) -> Result<Config, String> {
    let server = cluster.server.as_deref().ok_or("has no server")?;
    let url: http::Uri = server.parse().map_err(|_| "has a server that is no URL")?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || !proxy::has_host(&url) {
        return Err(
            "has a server that is no URL with http or https, such as https://10.0.0.1:6443".to_owned()
        );
    }
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("has a server with credentials in its URL; they belong to a user".to_owned());
    }
    let insecure = cluster.insecure_skip_tls_verify == Some(true);
    let authority = authority(cluster)?;
    if insecure && authority.is_some() {
        return Err("has both a certificate-authority and insecure-skip-tls-verify; remove one".to_owned());
    }
    let mut config = Config::new(url);
    config.proxy_url = proxy::of(cluster.proxy_url.as_deref(), &config.cluster_url, proxies)?;
    config.root_cert = authority.as_deref().map(certificates).transpose()?;
    config.accept_invalid_certs = insecure;
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.tls_server_name.clone_from(&cluster.tls_server_name);
    Ok(config)
}

/// The bytes of the authorities; data counts before a file.
fn authority(cluster: &Cluster) -> Result<Option<Vec<u8>>, String> {
    match (&cluster.certificate_authority_data, &cluster.certificate_authority) {
        (Some(data), _) => decoded(data, "certificate-authority-data").map(Some),
        (None, Some(path)) => file(path, "certificate-authority").map(Some),
        (None, None) => Ok(None),
    }
}

fn decoded(data: &str, field: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(data.trim()).map_err(|_| format!("has a {field} that is no base64"))
}

/// Without its path: if someone wrote a token or a key in place of a file, it would be shown.
fn file(path: &str, field: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path)
        .map_err(|error| format!("has a {field} that names a file that can't be read: {error}"))
}

/// Every certificate of a PEM text; without any, no server could be trusted.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|_| "has a certificate authority that is no whole PEM text")?;
    if found.is_empty() {
        return Err("has a certificate authority without a PEM certificate".to_owned());
    }
    Ok(found.into_iter().map(|certificate| certificate.to_vec()).collect())
}

/// Who we are.
fn identify(config: &mut Config, mut user: AuthInfo, cluster: &Cluster) -> Result<Credentials, String> {
    impersonation(&user)?;
    let credentials = static_credentials(config, &mut user)?;
    certificate(&mut user)?;
    if user.auth_provider.as_ref().is_some_and(|provider| provider.name != "oidc") {
        return Err(
            "has an auth-provider other than oidc, which kubectl does not have any more; use exec".to_owned()
        );
    }
    if let Some(exec) = &mut user.exec {
        if user.auth_provider.is_some() {
            return Err("has both an exec and an auth-provider; remove one".to_owned());
        }
        if exec.command.is_none() {
            return Err("has an exec without a command".to_owned());
        }
        if exec.api_version.as_deref().unwrap_or_default().is_empty() {
            return Err(
                "has an exec without an apiVersion, such as client.authentication.k8s.io/v1".to_owned()
            );
        }
        if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(
                "has an exec with interactiveMode Always; a program that runs by itself can't answer"
                    .to_owned(),
            );
        }
        // Nobody is there to answer, and what a plugin prints for people may be its credential.
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
        if exec.provide_cluster_info {
            exec.cluster = Some(told_to_plugins(cluster)?);
        }
    }
    config.auth_info = user;
    Ok(credentials)
}

fn impersonation(user: &AuthInfo) -> Result<(), String> {
    let more = user.impersonate_uid.is_some()
        || user.impersonate_groups.is_some()
        || user.impersonate_user_extra.is_some();
    if more && user.impersonate.is_none() {
        return Err("has as-uid, as-groups or as-user-extra without 'as'".to_owned());
    }
    let extra = user.impersonate_user_extra.iter().flat_map(|extra| extra.values().flatten());
    let groups = user.impersonate_groups.iter().flatten();
    let values = user.impersonate.iter().chain(&user.impersonate_uid).chain(groups).chain(extra);
    match values.into_iter().all(|value| HeaderValue::from_str(value).is_ok()) {
        true => Ok(()),
        false => Err("impersonates somebody whose name can't be sent in a header".to_owned()),
    }
}

/// Credentials that kube would take apart by its own rules: a password, a token, or a file with one. Where one is there,
/// a plugin is not asked.
fn static_credentials(config: &mut Config, user: &mut AuthInfo) -> Result<Credentials, String> {
    let (name, password) = (user.username.take(), user.password.take());
    let (token, token_file) = (user.token.take(), user.token_file.take());
    let basic = (name.is_some() || password.is_some()).then(|| {
        let password = password.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        SecretString::from(format!("{}:{password}", name.unwrap_or_default()))
    });
    if basic.is_some() && token.is_some() {
        return Err("has both a token and a user name or password; remove one".to_owned());
    }
    let mut credentials = Credentials::default();
    match (token_file, &token, &basic) {
        // A file that can be read counts more than a token, since it may be newer.
        (Some(path), token, None) if token.is_none() || std::fs::read(&path).is_ok() => {
            file(&path, "tokenFile")?;
            credentials = Credentials::in_file(path.into());
        }
        (_, Some(token), _) => {
            let token = token.expose_secret().trim();
            config.headers.push((AUTHORIZATION, header("Bearer", token)?));
            credentials.know(token);
        }
        (_, None, Some(basic)) => {
            let encoded = STANDARD.encode(basic.expose_secret());
            config.headers.push((AUTHORIZATION, header("Basic", &encoded)?));
            credentials.know(&encoded);
            if let Some(password) = &password {
                credentials.know(password.expose_secret());
            }
        }
        (_, None, None) => return Ok(credentials),
    }
    user.exec = None;
    user.auth_provider = None;
    Ok(credentials)
}

fn header(scheme: &str, secret: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::try_from(format!("{scheme} {secret}"))
        .map_err(|_| "has a token or password with characters that can't be sent in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// A certificate needs its key; a key by itself says nothing.
fn certificate(user: &mut AuthInfo) -> Result<(), String> {
    let certificate = user.client_certificate.is_some() || user.client_certificate_data.is_some();
    let key = user.client_key.is_some() || user.client_key_data.is_some();
    if certificate && !key {
        return Err("has a client-certificate without a client-key".to_owned());
    }
    if !certificate {
        user.client_key = None;
        user.client_key_data = None;
    }
    Ok(())
}

fn told_to_plugins(cluster: &Cluster) -> Result<ExecAuthCluster, String> {
    let extensions = cluster.extensions.iter().flatten();
    Ok(ExecAuthCluster {
        server: cluster.server.clone(),
        insecure_skip_tls_verify: cluster.insecure_skip_tls_verify,
        certificate_authority_data: authority(cluster)?,
        proxy_url: cluster.proxy_url.clone(),
        tls_server_name: cluster.tls_server_name.clone(),
        config: extensions
            .filter(|extension| extension.name == PLUGIN_CONFIG)
            .map(|extension| extension.extension.clone())
            .next(),
    })
}
