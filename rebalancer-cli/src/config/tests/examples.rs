//! The examples of docs/metrics-sources.md and docs/kafka.md are settings that this program takes.

use super::*;

const GUIDE: &str = include_str!("../../../../docs/metrics-sources.md");
const KAFKA: &str = include_str!("../../../../docs/kafka.md");
/// What an example is of, when it shows only a part: so it needs the rest.
const REST: [(&str, &str); 1] = [("KAFKA_METRICS_PRESET", "jmx-exporter")];

/// One example: the heading above it, and its variables.
struct Example {
    heading: &'static str,
    variables: Vec<(&'static str, &'static str)>,
}

/// Within a block of code, a variable that comes again begins another example.
fn examples(guide: &'static str) -> Vec<Example> {
    let (mut examples, mut heading, mut inside) = (Vec::<Example>::new(), "", false);
    for line in guide.lines() {
        if line.starts_with("```") {
            inside = line == "```bash";
            if inside {
                examples.push(Example { heading, variables: Vec::new() });
            }
        } else if let (true, Some((name, value))) = (inside, assignment(line)) {
            let again = |example: &Example| example.variables.iter().any(|(known, _)| *known == name);
            if examples.last().is_some_and(again) {
                examples.push(Example { heading, variables: Vec::new() });
            }
            examples.last_mut().unwrap().variables.push((name, value));
        } else if let (false, Some(words)) = (inside, line.strip_prefix('#')) {
            heading = words.trim_start_matches('#').trim();
        }
    }
    examples
}

/// `NAME=value`, with or without quotes, and a comment behind it.
fn assignment(line: &'static str) -> Option<(&'static str, &'static str)> {
    let (name, value) = line.split_once('=')?;
    name.chars().all(|c| c.is_ascii_uppercase() || c == '_').then_some(())?;
    let value = match value.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next()?,
        None => value.split(" #").next()?,
    };
    Some((name, value.trim()))
}

#[test]
fn every_example_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path());
    for Example { heading, variables } in examples(GUIDE) {
        let given: Vec<(&str, &str)> =
            variables.iter().map(|&(name, value)| (name, files.in_place_of(name).unwrap_or(value))).collect();
        let rest = REST.into_iter().filter(|(name, _)| given.iter().all(|(known, _)| known != name));
        let environment: Vec<(&str, &str)> = rest.chain(given.iter().copied()).collect();
        assert_eq!(bad(&environment), [] as [&str; 0], "{heading}: {variables:?}");
    }
}

#[test]
fn every_example_of_kafka_is_accepted_without_a_metric_server() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::new(folder.path());
    let sets =
        |example: &Example| example.variables.iter().any(|(name, _)| *name == "KAFKA_BOOTSTRAP_SERVERS");
    let examples: Vec<Example> = examples(KAFKA).into_iter().filter(sets).collect();
    assert!(examples.len() >= 5, "{}", examples.len());
    for Example { heading, variables } in examples {
        let given = variables.iter().map(|&(name, value)| (name, files.in_place_of(name).unwrap_or(value)));
        let given: Vec<(&str, &str)> = std::iter::once(("PROMETHEUS_ENDPOINT", "")).chain(given).collect();
        assert_eq!(bad(&given), [] as [&str; 0], "{heading}: {variables:?}");
        assert!(resolved(&given).adapters.kafka.is_some(), "{heading}");
    }
}

#[test]
fn every_system_has_an_example_with_its_address() {
    let addresses: Vec<(&str, &str)> = examples(GUIDE)
        .iter()
        .flat_map(|example| example.variables.iter().map(|variable| (example.heading, *variable)))
        .filter(|(_, (name, _))| *name == "PROMETHEUS_ENDPOINT")
        .map(|(heading, (_, value))| (heading, value))
        .collect();
    for (heading, part) in [
        ("Prometheus", "http://prometheus."),
        ("VictoriaMetrics", ":8428"),
        ("VictoriaMetrics", "/select/0/prometheus"),
        ("Thanos", "thanos-query"),
        ("Mimir", "/prometheus"),
        ("Grafana Cloud", "grafana.net/api/prom"),
        ("Google Cloud Managed Service for Prometheus", "localhost:"),
        ("Amazon Managed Service for Prometheus", "/workspaces/"),
        ("Azure Monitor managed service for Prometheus", "prometheus.monitor.azure.com"),
    ] {
        let named = |(of, address): &(&str, &str)| *of == heading && address.contains(part);
        assert!(addresses.iter().any(named), "{heading} {part}: {addresses:?}");
    }
}

/// Files that stand for those of an example: a secret, an authority, a certificate with its key.
struct Files {
    secret: String,
    certificate: String,
    key: String,
}

impl Files {
    fn new(folder: &std::path::Path) -> Self {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let pair = rcgen::generate_simple_self_signed(["metrics.example".to_owned()]).unwrap();
        Self {
            secret: write("secret", "hush"),
            certificate: write("certificate", &pair.cert.pem()),
            key: write("key", &pair.signing_key.serialize_pem()),
        }
    }

    /// The file that there is here in place of the one that this variable names.
    fn in_place_of(&self, variable: &str) -> Option<&str> {
        match variable {
            "PROMETHEUS_CA_FILE" | "PROMETHEUS_CLIENT_CERT_FILE" => Some(&self.certificate),
            "PROMETHEUS_CLIENT_KEY_FILE" => Some(&self.key),
            "PROMETHEUS_BEARER_TOKEN_FILE" | "PROMETHEUS_PASSWORD_FILE" => Some(&self.secret),
            "KAFKA_SASL_PASSWORD_FILE" | "KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE" => Some(&self.secret),
            _ => None,
        }
    }
}
