//! Values of settings as they may be shown.

use super::problem::Given;
use super::variable;

/// The value, unless it is a secret or a URL that may hold one.
pub(crate) fn showable(name: &str, given: &str) -> Given {
    let secret = variable::find(name).is_some_and(|variable| variable.secret);
    // Credentials stand before an '@', keys in the query string.
    let address = [
        "PROMETHEUS_ENDPOINT",
        "METRICS_PUSH_URL",
        "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL",
        "CRUISE_CONTROL_URL",
    ]
    .contains(&name);
    let url = given.contains('@') || (address && given.contains('?'));
    let pasted =
        ["_TOKEN_FILE", "_PASSWORD_FILE", "_SECRET_FILE", "_KEY_FILE"].iter().any(|end| name.ends_with(end))
            && !is_like_a_path(given);
    if secret || url || pasted { Given::Hidden } else { Given::Value(given.to_owned()) }
}

/// Where a file belongs, people set the secret itself. No folder has a name as long as a token.
fn is_like_a_path(given: &str) -> bool {
    const LONGEST: usize = 40;
    let given = unquoted(given);
    let rooted = ["/", "./", "../"].iter().any(|root| given.starts_with(root));
    rooted && given.split('/').all(|part| part.len() <= LONGEST)
}

/// A person writes `"0.30"` in an env file, and the quotes arrive with it.
pub(super) fn unquoted(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text).trim()
}
