//! Settings as one text, a line for each.
//!
//! ```text
//!   KUBE_NAMESPACE=streams          a variable
//!   --kube-namespace=streams        a flag
//!   CPU_QUERY=up\nor{}              \n is a line break
//!   PROMETHEUS_HEADERS=X-Token=$    $ is the secret, where one may stand
//!   PROMETHEUS_CA_FILE=authorities  a file of the folder
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use crate::folder::{self, SECRET};

/// Values by the variable's name.
pub type Values = BTreeMap<String, OsString>;

/// What was given on the command line, and in the environment.
#[derive(Debug, Default)]
pub struct Given {
    pub flags: Values,
    pub environment: Values,
}

impl Given {
    /// Reads the lines. What is no setting is skipped, as the command line and the environment do.
    #[must_use]
    pub fn read(data: &[u8], known: &[&str]) -> Self {
        let mut given = Self::default();
        for line in data.split(|byte| *byte == b'\n') {
            let Some(at) = line.iter().position(|byte| *byte == b'=') else { continue };
            let (name, value) = (String::from_utf8_lossy(&line[..at]), &line[at + 1..]);
            let (values, name) = match name.strip_prefix("--") {
                Some(flag) => (&mut given.flags, flag.to_uppercase().replace('-', "_")),
                None => (&mut given.environment, name.into_owned()),
            };
            if known.contains(&name.as_str()) {
                let value = in_place(&name, OsString::from_vec(broken(value)));
                values.insert(name, value);
            }
        }
        given
    }
}

fn broken(value: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, tail @ ..] = rest {
        let pair = rest.starts_with(br"\n");
        all.push(if pair { b'\n' } else { *first });
        rest = if pair { &tail[1..] } else { tail };
    }
    all
}

/// URLs that may hold credentials or a key.
const ADDRESSES: [&str; 3] =
    ["PROMETHEUS_ENDPOINT", "METRICS_PUSH_URL", "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL"];

/// Files are those of the folder, and the secret stands where secrets are expected.
fn in_place(name: &str, value: OsString) -> OsString {
    match value.to_str() {
        Some(text) if name.ends_with("_FILE") && !text.trim().is_empty() => folder::path(text).into(),
        Some(text) if ADDRESSES.contains(&name) => endpoint(text).into(),
        _ if ["PROMETHEUS_HEADERS", "METRICS_PUSH_HEADERS"].contains(&name) => with_secret(&value),
        _ => value,
    }
}

/// Credentials stand before the `@` of an authority, and a query may hold a key.
fn endpoint(text: &str) -> String {
    let (open, query) = text.split_at(text.find('?').unwrap_or(text.len()));
    let begin = open.find("://").map_or(0, |at| at + 3);
    let end = open[begin..].find(['/', '\\', '#']).map_or(open.len(), |at| begin + at);
    let user = open[begin..end].rfind('@').map_or(begin, |at| begin + at);
    let hidden = |text: &str| text.replace('$', SECRET);
    format!("{}{}{}{}", &open[..begin], hidden(&open[begin..user]), &open[user..], hidden(query))
}

fn with_secret(value: &OsString) -> OsString {
    let with: Vec<u8> = value
        .as_bytes()
        .iter()
        .flat_map(|byte| match byte {
            b'$' => SECRET.as_bytes(),
            byte => std::slice::from_ref(byte),
        })
        .copied()
        .collect();
    OsString::from_vec(with)
}
