//! The pages, to the last letter; names are text, and what is large stays small.

use rebalancer_core::port::Mode;
use rebalancer_core::simulation::Shape;

use super::*;
use crate::render::golden::golden;
use crate::serve::board::{Board, Terms};
use crate::serve::scripted::{HOSTILE, board, even, play, workload as named};

fn plain(html: &str) -> String {
    html.replace(&crate::args::version(), "VERSION")
}

async fn pages() -> Vec<String> {
    let (board, at) = board().await;
    let mut pages = vec![fleet(&View::of(&board, at)).unwrap()];
    for place in board.places() {
        pages.push(workload(&View::of_one(&board, at, &place.target()).unwrap()).unwrap().unwrap());
    }
    pages.push(problem(HOSTILE, HOSTILE));
    pages
}

/// PAGE_FOLDER keeps them, with the style beside them.
#[tokio::test]
async fn the_pages_are_shown_to_the_last_letter() {
    let pages = pages().await;
    if let Some(folder) = std::env::var_os("PAGE_FOLDER").map(std::path::PathBuf::from) {
        for (number, page) in pages.iter().enumerate() {
            std::fs::write(folder.join(format!("{number}.html")), page).unwrap();
        }
        std::fs::write(folder.join("style.css"), style()).unwrap();
    }
    golden("../serve/page/tests/fleet.html", &plain(&pages[0]));
    golden("../serve/page/tests/workload.html", &plain(&pages[1]));
}

#[tokio::test]
async fn names_are_text_and_nothing_comes_from_elsewhere() {
    for page in pages().await {
        let own = page
            .replace("<script src=\"/live.js\" defer></script>", "")
            .replace("<link rel=\"stylesheet\" href=\"/style.css\">", "");
        for forbidden in [
            "<script",
            "<link",
            "<img",
            "<iframe",
            "<style",
            " style=",
            " on",
            "src=",
            "url(",
            "\u{1b}",
            "javascript:",
            "=\"http",
        ] {
            // Words of sentences are no attributes.
            let attributes =
                own.split('<').filter_map(|part| part.split_once('>')).map(|(tag, _)| format!("<{tag}"));
            let found: Vec<String> = attributes.filter(|tag| tag.contains(forbidden)).collect();
            let svg = |tag: &String| {
                tag.starts_with("<svg") && tag.contains("xmlns=\"http://www.w3.org/2000/svg\"")
            };
            let found: Vec<&String> =
                found.iter().filter(|tag| !(forbidden == "=\"http" && svg(tag))).collect();
            let labels = |tag: &&&String| tag.contains("aria-label=") && forbidden == " on";
            assert!(found.iter().all(|tag| labels(&tag)), "{forbidden}: {found:?}");
        }
    }
}

#[tokio::test]
async fn a_link_leads_to_each_workload_whatever_its_name() {
    let (board, at) = board().await;
    let html = fleet(&View::of(&board, at)).unwrap();
    assert!(html.contains("href=\"/workloads/shop/orders-consumer\""));
    assert!(
        html.contains(
            "href=\"/workloads/stock/%3Cscript%3Ealert%28%27x%27%29%3C%2Fscript%3E%22%26%1B%5B0m\""
        )
    );
}

#[tokio::test]
async fn problems_stand_at_the_top() {
    let (board, at) = board().await;
    board.reject(Some("workloads.yaml: line 3: no such variable".to_owned()));
    let html = fleet(&View::of(&board, at)).unwrap();
    let (problems, _) = html.split_once("<ul class=\"fleet\">").unwrap();
    for problem in [
        "Not ready: the watches on stock/not-yet have not told it yet",
        "workloads.yaml: line 3: no such variable",
        "the metric server did not answer: &lt;script&gt;",
    ] {
        assert!(problems.contains(problem), "{problem}: {problems}");
    }
}

#[tokio::test]
async fn a_workload_without_a_cycle_has_a_page_too() {
    let board = Board::new(None);
    board.enter(&named("shop", "new"), Terms::default());
    let view = View::of_one(&board, Timestamp::UNIX_EPOCH, &named("shop", "new")).unwrap();
    assert!(workload(&view).unwrap().unwrap().contains("No cycle has ended here yet"));
}

#[tokio::test]
async fn one_workload_in_two_clusters_has_a_page_in_each() {
    let board = Board::new(None);
    for cluster in ["eu", "us"] {
        let target = Target { cluster: Some(cluster.to_owned()), ..named("shop", "orders") };
        board.enter(&target, Terms::default());
        let view = View::of_one(&board, Timestamp::UNIX_EPOCH, &target).unwrap();
        assert!(workload(&view).unwrap().unwrap().contains(&format!("shop/orders in {cluster}")));
    }
    assert!(board.place(&named("shop", "orders")).is_none(), "without its cluster it is another one");
    let all = fleet(&View::of(&board, Timestamp::UNIX_EPOCH)).unwrap();
    for cluster in ["eu", "us"] {
        assert!(all.contains(&format!("\"/clusters/{cluster}/workloads/shop/orders\"")), "{all}");
    }
}

#[tokio::test]
async fn a_page_of_five_thousand_pods_stays_small() {
    let board = Board::new(None);
    let large = Shape { kafka: false, partitions: 5_000, ..even(5_000, 1) };
    let at = play(&board, &named("shop", "large"), &large, 1, Mode::DryRun).await;
    let html = workload(&View::of_one(&board, at, &named("shop", "large")).unwrap()).unwrap().unwrap();
    assert!(html.contains("Pods: the first 300 of 5000"), "the rest is named");
    assert!(html.len() < 400_000, "{} bytes", html.len());
}
