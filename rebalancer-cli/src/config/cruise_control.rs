//! Settings of Cruise Control, which balances the Kafka cluster itself.

use std::time::Duration;

use rebalancer_prom::{ClientSettings, CruiseControlApi};
use url::Url;

use super::access::{self, Names};
use super::parse::{self, Expected, Reader};
use super::problem::Given;

const CRUISE_CONTROL: Names = Names {
    url: "CRUISE_CONTROL_URL",
    timeout: "CRUISE_CONTROL_TIMEOUT",
    bearer: "CRUISE_CONTROL_BEARER_TOKEN_FILE",
    user: "CRUISE_CONTROL_USERNAME",
    password: "CRUISE_CONTROL_PASSWORD_FILE",
    ca: "CRUISE_CONTROL_CA_FILE",
    headers: "CRUISE_CONTROL_HEADERS",
};

const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(600));

/// `None` within: it is not asked. What is set without a URL is checked all the same.
pub(super) fn cruise_control(
    reader: &mut Reader<'_>,
    cycle: Option<Duration>,
) -> Option<Option<CruiseControlApi>> {
    let timeout = reader.required(CRUISE_CONTROL.timeout, parse::duration_within(TIMEOUTS.0, TIMEOUTS.1));
    let trusted = access::trusted(reader, &CRUISE_CONTROL);
    let url = match reader.text(CRUISE_CONTROL.url) {
        Some(_) => reader.optional(CRUISE_CONTROL.url, address).map(Some),
        None => Some(None),
    };
    // The rest of the cycle needs time too.
    let (timeout, trusted) = (timeout?.min(cycle?.mul_f64(0.75)), trusted?);
    let Some(url) = url? else {
        let Names { bearer, user, password, .. } = CRUISE_CONTROL;
        let set = [bearer, user, password].into_iter().find(|name| reader.text(name).is_some());
        let Some(set) = set else { return Some(None) };
        reader.problem(CRUISE_CONTROL.url, Given::Nothing, format!("the base URL, since {set} is set"));
        return None;
    };
    CruiseControlApi::new(&trusted.set(ClientSettings::new(url)).timeout(timeout))
        .map_err(|error| {
            let blamed = access::to_blame(&error, &CRUISE_CONTROL);
            reader.problem(blamed, Given::Hidden, access::works_but(&error));
        })
        .ok()
        .map(Some)
}

fn address(text: &str) -> Result<Url, Expected> {
    let url = access::base_url(text, "http://cruise-control:9090/kafkacruisecontrol", &CRUISE_CONTROL)?;
    if url.path().trim_end_matches('/').ends_with("/state") {
        return Err("the base URL, without /state and what follows".to_owned());
    }
    Ok(url)
}
