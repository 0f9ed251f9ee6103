//! Reports in a real browser: what is in them fits, can be read, and needs nothing from elsewhere.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rebalancer_core::assignor::Assignor;
use rebalancer_core::simulation::{Drift, Fleet as Simulated, Shape, Spread};

use crate::harness::browser::{measure, printed};
use crate::harness::example::FOUR_MAY_GO;
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;
use crate::harness::rebalancer::Rebalancer;
use crate::harness::recorded::{Broken, Recorded};

/// Below this, text on a chart can't be read.
const SMALLEST: f64 = 9.0;
/// What printers leave of US Letter's and A4's width, the smaller one, in pixels of CSS.
const PAPER: u32 = 710;
/// WCAG 2.1 asks for this of text.
const CONTRAST: f64 = 4.5;

/// It fits on a phone and on a screen, in both color schemes, and on paper. REPORT_FOLDER keeps it.
async fn is_readable(file: &Path, charts: usize) {
    let html = std::fs::read_to_string(file).unwrap();
    if let Some(folder) = std::env::var_os("REPORT_FOLDER") {
        std::fs::copy(file, PathBuf::from(folder).join(file.file_name().unwrap())).unwrap();
    }
    for forbidden in ["<script", "<link", "<img", " src=", " href=", "url(", "@import"] {
        assert!(!html.contains(forbidden), "{}: {forbidden}", file.display());
    }
    let mut papers = Vec::new();
    for width in [400, 1400] {
        for scheme in ["light", "dark"] {
            let seen = measure(&html, width, scheme).await;
            let at = format!("{} at {width} px, {scheme}: {seen:?}", file.display());
            assert!(seen.content <= f64::from(width) && seen.beyond.is_empty(), "{at}");
            assert!(seen.contrast.0 >= CONTRAST, "{at}");
            assert_eq!(seen.charts, charts, "{at}");
            assert!(seen.smallest >= SMALLEST && seen.broken.is_empty(), "{at}");
            papers.push(seen.paper);
        }
    }
    papers.dedup();
    assert_eq!(papers.len(), 4, "light and dark alternate: {papers:?}");
    let paper = measure(&html.replace("@media print", "@media all"), PAPER, "light").await;
    let at = format!("{} on paper: {paper:?}", file.display());
    assert!(paper.content <= f64::from(PAPER) && paper.beyond.is_empty() && paper.broken.is_empty(), "{at}");
    assert!(paper.contrast.0 >= CONTRAST && paper.charts == charts && paper.smallest >= SMALLEST, "{at}");
    assert!(printed(&html).await > 5_000, "{} can be printed", file.display());
}

#[tokio::test]
#[ignore]
async fn the_report_of_a_simulation_is_readable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("simulation.html");
    let report = file.display().to_string();
    let arguments = ["simulate", "--pods", "80", "--partitions", "320", "--seed", "4", "--report", &report];
    Rebalancer::new().args(&arguments).run().await.expect_exit(0);
    is_readable(&file, 2).await;
}

#[tokio::test]
#[ignore]
async fn the_report_of_a_backtest_is_readable() {
    let shape = Shape {
        pods: 12,
        partitions: 60,
        spread: Spread::LogNormal { sigma: 1.0 },
        drift: Drift { swing: 0.5, walk: 0.05, ..Drift::default() },
        assignor: Assignor::CooperativeSticky,
        hpa_percent: None,
        seed: 3,
        ..Shape::default()
    };
    let recorded = Recorded::of(&shape, 12 * 12 + 1, Timestamp::now()).await;
    let broken = Broken { gap: 80..92, reset: None };
    let metrics = recorded.history(&broken).serve(Server::Prometheus).await;
    let workload = Simulated::workload();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backtest.html");
    let report = file.display().to_string();
    let (from, to) = (recorded.moments[0].at.to_string(), recorded.moments.last().unwrap().at.to_string());
    let sweep = ["--sweep", "REBALANCE_TOP_K_PODS=1,2"];
    Rebalancer::new()
        .env("PROMETHEUS_ENDPOINT", &metrics.url)
        .env("KUBE_NAMESPACE", workload.namespace)
        .env("DEPLOYMENT_NAME", workload.name)
        .env("KAFKA_METRICS_PRESET", "librdkafka")
        .env("KAFKA_ASSIGNOR", "cooperative-sticky")
        .args(&["backtest", "--from", &from, "--to", &to, "--report", &report])
        .args(&sweep)
        .run()
        .await
        .expect_exit(0);
    is_readable(&file, 3).await;
}

#[tokio::test]
#[ignore]
async fn the_report_of_a_plan_is_readable() {
    let cores = [1.2, 1.1, 0.8, 0.6, 0.4, 0.3];
    let fleet = Fleet::named("reported").cpu(&cores).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.html");
    let report = file.display().to_string();
    let plan = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).args(&["plan", "--report", &report]);
    plan.run().await.expect_exit(0);
    is_readable(&file, 0).await;
}
