//! The pages of a `serve` that has rotated, in a real browser: what was predicted and measured, the audit trail, the verdict on each
//! pod, and what is wrong.

use serde_json::Value;

use super::serve::WATCHES;
use super::serve_page::{CONTRAST, SMALLEST, keep};
use crate::harness::consumers::{Consumers, PARTITION_LOAD_QUERY};
use crate::harness::devtools::Page;
use crate::harness::fixture;
use crate::harness::fleet::{ACCOUNT, Fleet};
use crate::harness::metrics::Server;
use crate::harness::monitor::Monitor;
use crate::harness::serving::Serving;
use crate::harness::wait;

const NAME: &str = "rotated";
const PODS: [f64; 8] = [0.0; 8];
const ROTATIONS: &str = "Last rotations";
const TRAIL: &str = "Audit trail";
const VERDICTS: &str = "Pods";
/// One rotation, measured as soon as it can be.
const SETTINGS: [(&str, &str); 11] = [
    ("RECORD_STORE", "lease"),
    ("MAXIMUM_REMOVAL_SHARE", "0.5"),
    ("MAXIMUM_YOUNG_SHARE", "1"),
    ("METRICS_TIME_WINDOW", "10s"),
    ("SETTLE_TIME", "12s"),
    ("REMOVAL_BUDGET_PODS", "40"),
    ("PARTITION_LOAD_QUERY", PARTITION_LOAD_QUERY),
    ("KAFKA_ASSIGNOR", "cooperative-sticky"),
    ("PROMETHEUS_TIMEOUT", "1s"),
    ("INTERVAL", "1s"),
    ("SHORTEST_INTERVAL", "1s"),
];

/// A group that was out of balance, and a replica that has seen to it.
struct Rotated {
    fleet: Fleet,
    monitor: Option<Monitor>,
    serving: Serving,
    _consumers: Consumers,
}

impl Rotated {
    async fn start() -> Self {
        let fleet = Fleet::named(NAME).cpu(&PODS).start().await;
        let Fleet { client, namespace, .. } = &fleet;
        fixture::grant(client, namespace, "watches", &fixture::rules(&WATCHES), (namespace, ACCOUNT)).await;
        let consumers = Consumers::start(namespace, NAME, &names(&fleet).await).await;
        let monitor = Monitor::start(Server::Prometheus, &[&consumers.target]).await;
        let serving = Serving::start(fleet.rebalancer(&monitor).args(&["serve"]).envs(&SETTINGS)).await;
        wait::until("a rotation", async || {
            let ends = serving.events("cycle_finished");
            if ends.iter().any(|end| end["status"] == "rebalanced") {
                Ok(())
            } else {
                Err(format!("{ends:?}"))
            }
        })
        .await;
        consumers.members(&names(&fleet).await);
        serving.until("rotation_measured", 1).await;
        let ended = serving.events("cycle_finished").len();
        serving.until("cycle_finished", ended + 1).await;
        Self { fleet, monitor: Some(monitor), serving, _consumers: consumers }
    }

    fn of_workload(&self) -> String {
        self.serving.url(&format!("/workloads/{}/{NAME}", self.fleet.namespace))
    }

    /// What the log says of the rotation, as the page writes it.
    fn course(&self) -> String {
        let measured = self.serving.events("rotation_measured").remove(0);
        let cv = |field: &str| {
            format!("{:.3}", measured[field].as_f64().unwrap_or_else(|| panic!("{measured:#}")))
        };
        ["cv_before", "predicted_cv", "measured_cv"].map(cv).join(" → ")
    }

    /// Pods and outcomes of removals, by the log.
    fn removals(&self) -> Vec<[String; 2]> {
        let word = |line: &Value, field: &str| line[field].as_str().unwrap().replace('_', " ");
        let finished = self.serving.events("removal_finished");
        finished
            .iter()
            .map(|line| [line["pod"].as_str().unwrap().to_owned(), word(line, "outcome")])
            .collect()
    }
}

async fn names(fleet: &Fleet) -> Vec<String> {
    fleet.settled().await.0.into_iter().map(|pod| pod.name).collect()
}

/// The box of the table whose caption begins so.
fn scrolling(caption: &str) -> String {
    format!("document.querySelector('.scroll[aria-label^=\"{caption}\"]')")
}

/// The cells of a table that can be seen, by row.
async fn rows(page: &Page, caption: &str) -> Vec<Vec<String>> {
    let rows = format!(
        "[...{}.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.checkVisibility() ? cell.innerText : ''))",
        scrolling(caption)
    );
    page.eval(&rows).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_rotation_is_shown_with_its_predicted_and_measured_effect_and_a_metric_server_that_is_away_as_a_problem()
 {
    let mut rotated = Rotated::start().await;
    let page = Page::start().await;
    for width in [1400, 400] {
        page.look(width, "light").await;
        page.open(&rotated.of_workload()).await;
        keep(&page, &format!("rotated-{width}.png")).await;
        let seen = page.measure().await;
        let at = format!("{width} px: {seen:?}");
        assert!(seen.content <= f64::from(width) && seen.beyond.is_empty(), "{at}");
        assert!(seen.contrast.0 >= CONTRAST && seen.smallest >= SMALLEST, "{at}");
        shows_what_the_log_says(&rotated, &page).await;
    }
    reached_by_keyboard(&page).await;
    assert_eq!(page.complaints().await, [""; 0]);
    // Nobody answers there any more.
    rotated.monitor = None;
    let failed = |end: &Value| end["status"] == "failed";
    let error = wait::until("a cycle that fails", async || {
        let ends = rotated.serving.events("cycle_finished");
        let error = ends.into_iter().rfind(failed).and_then(|end| end["error"].as_str().map(str::to_owned));
        error.ok_or_else(|| format!("{:#?}", rotated.serving.log().last()))
    })
    .await;
    a_problem_is_shown(&rotated, &page, &error).await;
    assert_eq!(page.complaints().await, [""; 0]);
}

async fn shows_what_the_log_says(rotated: &Rotated, page: &Page) {
    let rotations = rows(page, ROTATIONS).await;
    let first = rotations.last().unwrap();
    assert_eq!(first[3], rotated.course(), "{rotations:?}");
    assert!(first[6].starts_with("helped, measured "), "{rotations:?}");
    let trail = rows(page, TRAIL).await;
    let removals = rotated.removals();
    assert!(!removals.is_empty());
    for [pod, outcome] in removals {
        assert!(first[1].contains(&format!("{pod} (")), "{pod} in {rotations:?}");
        let told = |what: &str| trail.iter().any(|line| line[2] == pod && line[5] == what);
        assert!(told("intended") && told(&outcome), "{pod} {outcome}: {trail:?}");
    }
    let verdicts = rows(page, VERDICTS).await;
    let shown: Vec<&String> = verdicts.iter().map(|row| &row[0]).collect();
    let pods = names(&rotated.fleet).await;
    assert!(pods.iter().all(|pod| shown.contains(&pod)), "{pods:?} in {verdicts:?}");
    let said = verdicts.iter().all(|row| row.len() > 2 && !row.last().unwrap().trim().is_empty());
    assert!(said && verdicts.len() == pods.len(), "{verdicts:?}");
}

/// Tab comes to the rotations, and arrows bring what does not fit.
async fn reached_by_keyboard(page: &Page) {
    let rotations = scrolling(ROTATIONS);
    let wide: bool = page.eval(&format!("{rotations}.scrollWidth > {rotations}.clientWidth")).await;
    assert!(wide, "at 400 px the table is wider than the window");
    let _none: Option<bool> = page.eval("document.activeElement.blur()").await;
    wait::until("the keyboard to come to the rotations", async || {
        page.press("Tab", 9).await;
        let there: bool = page.eval(&format!("document.activeElement === {rotations}")).await;
        if there { Ok(()) } else { Err("elsewhere".to_owned()) }
    })
    .await;
    wait::until("its last column", async || {
        page.press("ArrowRight", 39).await;
        let right: bool = page
            .eval(&format!("{rotations}.scrollLeft + {rotations}.clientWidth >= {rotations}.scrollWidth - 1"))
            .await;
        if right { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
}

/// At the top of the first page, with a link that the keyboard follows to the workload's own.
async fn a_problem_is_shown(rotated: &Rotated, page: &Page, error: &str) {
    page.open(&rotated.serving.url("/")).await;
    keep(page, "problem-400.png").await;
    let seen = page.measure().await;
    assert!(seen.content <= 400.0 && seen.beyond.is_empty(), "{seen:?}");
    let problems: String = page.eval("document.querySelector('.problems').innerText").await;
    // The workload's own page begins its sentence with a capital.
    let begin = &error.split(':').next().unwrap()[1..];
    assert!(problems.contains(NAME) && problems.contains(begin), "{error} in {problems}");
    wait::until("the keyboard to come to the problem's link", async || {
        page.press("Tab", 9).await;
        let there: bool = page.eval("document.activeElement.matches('.problems a')").await;
        if there { Ok(()) } else { Err("elsewhere".to_owned()) }
    })
    .await;
    page.press("Enter", 13).await;
    wait::until("its page", async || {
        let path: String = page.eval("document.readyState === 'complete' ? location.pathname : ''").await;
        if path.ends_with(NAME) { Ok(()) } else { Err(path) }
    })
    .await;
    let text: String = page.eval("document.querySelector('main').innerText").await;
    assert!(text.contains(begin), "{error} in {text}");
    // What was known stays.
    let rotations = rows(page, ROTATIONS).await;
    assert_eq!(rotations.last().unwrap()[3], rotated.course());
}
