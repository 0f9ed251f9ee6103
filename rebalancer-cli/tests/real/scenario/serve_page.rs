//! The pages of a running `serve` in a real browser: they can be read, with and without scripts, and by the keyboard alone.

use std::path::PathBuf;

use super::serve::Watched;
use crate::harness::devtools::Page;
use crate::harness::serving::Serving;
use crate::harness::wait;

/// WCAG 2.1 asks for this of text.
pub(super) const CONTRAST: f64 = 4.5;
/// Below this, text on a chart can't be read.
pub(super) const SMALLEST: f64 = 9.0;
/// A row of a table that is higher has columns that are too narrow; a line is about 22 pixels high.
const MOST_LINES: u32 = 4;
/// How high the highest row of the tables is, in pixels.
const TALLEST: &str = "Math.max(0, ...[...document.querySelectorAll('tr')].map(row => row.offsetHeight))";
/// What the keyboard must reach: every link, and every box that scrolls.
const WAYS: &str = "const ways = [...document.querySelectorAll('a[href], .scroll')]";
/// The first table that is wider than the window.
const WIDE: &str = "[...document.querySelectorAll('.scroll')].find(box => box.scrollWidth > box.clientWidth)";
/// Its text, without what another second changes.
const TEXT: &str = r"document.querySelector('main').innerText
    .replace(/\d\d:\d\d:\d\d/g, 'TIME').replace(/\d+[hms]( \d+[hms])*/g, 'SPAN').replace(/\d+\.\d s/g, 'SPAN')";
/// When the last cycle ended.
const LAST: &str = r"document.querySelector('main').innerText.match(/[Ll]ast cycle (\d\d:\d\d:\d\d)/)[1]";

/// A fleet and a replica that looks at it and changes nothing.
struct Shown {
    _watched: Watched,
    serving: Serving,
    paths: [String; 2],
}

impl Shown {
    async fn start(name: &str, interval: &str, cycles: usize) -> Self {
        let watched = Watched::start(name).await;
        let rebalancer = watched.rebalancer().envs(&[("DRY_RUN", "true"), ("INTERVAL", interval)]);
        let serving = Serving::start(rebalancer).await;
        serving.until("cycle_finished", cycles).await;
        let paths = ["/".to_owned(), format!("/workloads/{}/{name}", watched.fleet.namespace)];
        Self { _watched: watched, serving, paths }
    }

    fn urls(&self) -> impl Iterator<Item = String> {
        self.paths.iter().map(|path| self.serving.url(path))
    }

    fn of_workload(&self) -> String {
        self.serving.url(&self.paths[1])
    }
}

/// PAGE_FOLDER keeps a picture of each.
pub(super) async fn keep(page: &Page, name: &str) {
    if let Some(folder) = std::env::var_os("PAGE_FOLDER").map(PathBuf::from) {
        std::fs::write(folder.join(name), page.screenshot().await).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn the_pages_fit_and_can_be_read_on_a_phone_and_on_a_screen_in_light_and_dark() {
    let shown = Shown::start("shown", "1s", 3).await;
    let page = Page::start().await;
    let mut papers = Vec::new();
    for (number, url) in shown.urls().enumerate() {
        for width in [400, 1400] {
            for scheme in ["light", "dark"] {
                page.look(width, scheme).await;
                page.open(&url).await;
                keep(&page, &format!("{number}-{width}-{scheme}.png")).await;
                let seen = page.measure().await;
                let at = format!("{url} at {width} px, {scheme}: {seen:?}");
                assert!(seen.content <= f64::from(width) && seen.beyond.is_empty(), "{at}");
                assert!(seen.contrast.0 >= CONTRAST && seen.smallest >= SMALLEST, "{at}");
                assert!(seen.charts > 0 && seen.broken.is_empty(), "{at}");
                let tallest: u32 = page.eval(TALLEST).await;
                assert!(tallest <= MOST_LINES * 24, "{tallest} pixels: {at}");
                papers.push(seen.paper);
            }
        }
    }
    papers.dedup();
    assert_eq!(papers.len(), 8, "light and dark alternate: {papers:?}");
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn the_pages_say_the_same_where_no_script_runs() {
    let shown = Shown::start("scriptless", "1h", 1).await;
    let (page, plain) = (Page::start().await, Page::start().await);
    plain.without_scripts().await;
    for url in shown.urls() {
        page.open(&url).await;
        plain.open(&url).await;
        let live = "document.getElementById('live').innerText";
        let (with, without): (String, String) = (page.eval(live).await, plain.eval(live).await);
        assert!(with.starts_with("Live: "), "{with}");
        assert_eq!(without, "Reload the page to see what is new.");
        let (with, without): (String, String) = (page.eval(TEXT).await, plain.eval(TEXT).await);
        assert!(with.contains("scriptless") && with.contains("CV "), "{with}");
        assert_eq!(with, without, "{url}");
    }
    assert_eq!(plain.complaints().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn the_page_renews_itself_under_its_policy_and_the_reader_stays_where_they_are() {
    let shown = Shown::start("live", "1s", 2).await;
    let page = Page::start().await;
    page.look(400, "light").await;
    page.open(&shown.of_workload()).await;
    let first: String = page.eval(LAST).await;
    let across = format!("{WIDE}.scrollLeft");
    let begin = format!("window.stays = 1, {WIDE}.focus(), {across} = 30, {across}");
    assert_eq!(page.eval::<u32>(&begin).await, 30);
    let text = "document.getElementById('live').innerText";
    wait::until("the page is renewed", async || {
        let live: String = page.eval(text).await;
        if live.starts_with("Live: renewed at ") && live.ends_with(" UTC.") { Ok(()) } else { Err(live) }
    })
    .await;
    let then: String = page.eval(LAST).await;
    assert_ne!(first, then, "a later cycle is shown");
    assert_eq!(page.eval::<u32>("window.stays").await, 1, "it was not loaded again");
    assert_eq!(page.eval::<u32>(&across).await, 30);
    assert!(page.eval::<bool>(&format!("document.activeElement === {WIDE}")).await);
    assert_eq!(page.complaints().await, [""; 0]);
    // What the policy forbids would have been seen.
    let inline = "{ const script = document.createElement('script'); script.textContent = 'window.ran = 1'; \
                  document.body.append(script); window.ran === undefined }";
    assert!(page.eval::<bool>(inline).await, "a script of the page's text does not run");
    wait::until("it is complained about", async || {
        let complaints = page.complaints().await;
        let found = complaints.iter().any(|complaint| complaint.contains("script-src"));
        if found { Ok(()) } else { Err(format!("{complaints:?}")) }
    })
    .await;
}

/// Where the keyboard stands: `-1` is nowhere. Whether it can be seen there.
async fn standing(page: &Page) -> (i64, bool) {
    page.eval(&format!(
        "(() => {{ {WAYS}; const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
        const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
        return [ways.indexOf(at), outlined && box.bottom > 0 && box.top < innerHeight]; }})()"
    ))
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn the_keyboard_alone_reaches_every_link_and_every_table_that_scrolls() {
    let shown = Shown::start("keyed", "1h", 1).await;
    let page = Page::start().await;
    page.look(400, "light").await;
    for url in shown.urls() {
        page.open(&url).await;
        let count: i64 = page.eval(&format!("(() => {{ {WAYS}; return ways.length; }})()")).await;
        assert!(count >= 2, "{url}: {count}");
        for expected in 0..count {
            page.press("Tab", 9).await;
            assert_eq!(standing(&page).await, (expected, true), "{url}");
        }
        let stray = "[...document.querySelectorAll('main *')].filter(box => box.scrollWidth > box.clientWidth \
                     && getComputedStyle(box).overflowX !== 'visible' && box.tabIndex !== 0).length";
        assert_eq!(page.eval::<u32>(stray).await, 0, "whatever scrolls is reached");
    }
    let _focused: Option<bool> = page.eval(&format!("{WIDE}.focus()")).await;
    page.press("ArrowRight", 39).await;
    wait::until("the table scrolls", async || {
        let across: f64 = page.eval(&format!("{WIDE}.scrollLeft")).await;
        if across > 0.0 { Ok(()) } else { Err(across.to_string()) }
    })
    .await;
}
