//! What kube's own errors say, without what they quote: a plugin's command line and output, a key, a path that may be a
//! token, a proxy's URL. Kinds only.

#![expect(clippy::wildcard_enum_match_arm, reason = "kube's enums: any other kind has the general sentence")]

use std::error::Error;

use kube::client::{AuthError, RustlsTlsError};
use kube::config::{KubeconfigError, LoadDataError};

/// The part of a kubeconfig that has to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Cluster,
    User,
}

/// Why kube could not make a client.
pub(crate) fn client(error: &kube::Error) -> (About, String) {
    match error {
        kube::Error::Auth(error) => (About::User, credentials(error)),
        kube::Error::InferKubeconfig(error) => (About::User, certificate_files(error)),
        kube::Error::RustlsTls(error) => tls(error),
        kube::Error::HttpError(_) => {
            (About::User, "impersonates somebody whose name can't be sent in a header".to_owned())
        }
        kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => {
            (About::Cluster, "has a proxy whose protocol is not supported".to_owned())
        }
        _ => (About::Cluster, "has settings of which no client can be made".to_owned()),
    }
}

/// Why there are no credentials, when that is why a request was not sent.
pub(crate) fn credentials_below(error: &(dyn Error + 'static)) -> Option<String> {
    let mut causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes.find_map(|cause| cause.downcast_ref::<AuthError>()).map(credentials)
}

/// What is wrong with the credentials; a sentence about the user.
fn credentials(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => {
            format!("has a credential plugin (exec) that can't be started: {error}")
        }
        AuthError::AuthExecRun { out, .. } => format!(
            "has a credential plugin (exec) that ended with {}; its output is not shown, since it may hold \
             credentials: run it by hand",
            out.status
        ),
        AuthError::AuthExecParse(_) => {
            "has a credential plugin (exec) that printed no ExecCredential: run it by hand".to_owned()
        }
        AuthError::ExecPluginFailed => {
            "has a credential plugin (exec) that printed an ExecCredential without a status".to_owned()
        }
        AuthError::MalformedTokenExpirationDate(_) => {
            "has credentials that expire at a time which is not in RFC 3339".to_owned()
        }
        AuthError::UnrefreshableTokenResponse => {
            "has a credential plugin (exec) that gave a token first and none when it had expired".to_owned()
        }
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => {
            "has a token or password with characters that can't be sent in a header".to_owned()
        }
        AuthError::ReadTokenFile(error, _) => format!("has a tokenFile that can't be read: {error}"),
        AuthError::AuthExec(_) | AuthError::ParseTokenKey(_) => {
            "has an auth-provider that gives no token here; kubectl has none but oidc any more, use exec"
                .to_owned()
        }
        AuthError::MissingCommand => "has an exec without a command".to_owned(),
        _ => "has credentials that can't be used".to_owned(),
    }
}

fn certificate_files(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::LoadClientCertificate(error) => data("client-certificate", error),
        KubeconfigError::LoadClientKey(error) => data("client-key", error),
        KubeconfigError::LoadCertificateAuthority(error) => data("certificate-authority", error),
        _ => "has settings of which no client can be made".to_owned(),
    }
}

fn data(field: &str, error: &LoadDataError) -> String {
    match error {
        LoadDataError::DecodeBase64(_) => format!("has a {field}-data that is no base64"),
        LoadDataError::ReadFile(error, _) => {
            format!("has a {field} that names a file that can't be read: {error}")
        }
        LoadDataError::NoBase64DataOrFile => format!("has no {field}"),
    }
}

fn tls(error: &RustlsTlsError) -> (About, String) {
    let (about, words) = match error {
        RustlsTlsError::InvalidIdentityPem(_) => {
            (About::User, "has a client-certificate or client-key that is no whole PEM text")
        }
        RustlsTlsError::MissingPrivateKey | RustlsTlsError::UnknownPrivateKeyFormat => (
            About::User,
            "has a client-key that is no private key in PEM (PKCS #8, RSA or EC, not encrypted)",
        ),
        RustlsTlsError::MissingCertificate => {
            (About::User, "has a client-certificate without a PEM certificate")
        }
        RustlsTlsError::InvalidPrivateKey(_) => {
            (About::User, "has a client-key that can't be used with its client-certificate")
        }
        RustlsTlsError::InvalidServerName(_) => {
            (About::Cluster, "has a tls-server-name that is neither a DNS name nor an address")
        }
        RustlsTlsError::AddRootCertificate(_) | RustlsTlsError::NoValidNativeRootCA(_) => {
            (About::Cluster, "has no certificate authority that can be used, and this machine has none")
        }
    };
    (about, words.to_owned())
}
