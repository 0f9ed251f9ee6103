//! Settings of who is told what happened.

use super::Variable;

const HEADING: &str = "Notifications";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(
        HEADING,
        "NOTIFY_URL_FILE",
        None,
        "File with the URL of a webhook that is told what happened; the URL is a secret, and the file is read again each time",
    ),
    Variable::new(
        HEADING,
        "NOTIFY_FORMAT",
        Some("cloudevents"),
        "cloudevents: CloudEvents 1.0 as JSON; slack: a message for Slack's incoming webhooks",
    ),
    Variable::new(
        HEADING,
        "NOTIFY_EVENTS",
        Some("all"),
        "What is told: all, or some of rotation, effect, proposal, hold, breaker, failure",
    ),
    Variable::new(
        HEADING,
        "NOTIFY_HOLD_AFTER",
        Some("1h"),
        "A hold is told of when it has lasted for this long",
    ),
    Variable::new(
        HEADING,
        "NOTIFY_REPEAT",
        Some("24h"),
        "A hold that still lasts is told of again after this time, and another failure no sooner",
    ),
    Variable::new(
        HEADING,
        "NOTIFY_TIMEOUT",
        Some("5s"),
        "Time for all notifications of a cycle, all retries together, after the cycle; 100ms to 10s",
    ),
    Variable::new(
        HEADING,
        "NOTIFY_CA_FILE",
        None,
        "File with the certificates (PEM) of a private certificate authority, for the webhook",
    ),
];
