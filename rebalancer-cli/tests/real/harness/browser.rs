//! A real browser without a window, which measures a page as a reader sees it.

use std::fs;
use std::process::Stdio;

use serde::Deserialize;

use crate::harness::assets;

/// A page at one width, in one color scheme.
#[derive(Debug, Deserialize)]
pub(crate) struct Measured {
    /// How wide its content is, in pixels.
    pub(crate) content: f64,
    /// Elements that reach beyond the width.
    pub(crate) beyond: Vec<String>,
    /// The lowest contrast of a text with what is behind it, and of which text.
    pub(crate) contrast: (f64, String),
    /// Charts that are seen.
    pub(crate) charts: usize,
    /// Height of the smallest text of a chart, in pixels.
    pub(crate) smallest: f64,
    /// The page's background.
    pub(crate) paper: String,
    /// Words of tables that stand on two lines, though they are not long. They may end at a hyphen.
    pub(crate) broken: Vec<String>,
}

/// What a reader sees of a page, by its own document and window.
pub(super) const MEASURE: &str = include_str!("measure.js");

/// Measures from outside, as the page itself lets no script run.
const FRAMED: &str = r"
onload = () => {
  const { contentDocument, contentWindow } = document.getElementById('page');
  document.getElementById('found').textContent = JSON.stringify(measured(contentDocument, contentWindow));
};";

/// Renders a page at this width in this color scheme, and measures it.
pub(crate) async fn measure(html: &str, width: u32, scheme: &str) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let inner = html.replace('&', "&amp;").replace('"', "&quot;");
    let outer = format!(
        "<!doctype html><meta charset=utf-8><iframe id=page style=\"width:{width}px;height:6000px;border:0;\
         color-scheme:{scheme}\" srcdoc=\"{inner}\"></iframe><pre id=found></pre><script>{MEASURE}{FRAMED}</script>"
    );
    let file = folder.path().join("outer.html");
    fs::write(&file, outer).unwrap();
    let dom = chromium(folder.path(), &["--dump-dom", &format!("file://{}", file.display())]).await;
    let found = dom.split_once("<pre id=\"found\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let found =
        found.unwrap_or_else(|| panic!("nothing was measured: {}", &dom[dom.len().saturating_sub(500)..])).0;
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&found).unwrap_or_else(|error| panic!("{error}: {found}"))
}

/// How many bytes the page has as a PDF.
pub(crate) async fn printed(html: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let (page, pdf) = (folder.path().join("page.html"), folder.path().join("page.pdf"));
    fs::write(&page, html).unwrap();
    let print = format!("--print-to-pdf={}", pdf.display());
    chromium(folder.path(), &[&print, &format!("file://{}", page.display())]).await;
    fs::metadata(pdf).map_or(0, |file| file.len())
}

async fn chromium(folder: &std::path::Path, arguments: &[&str]) -> String {
    let mut command = tokio::process::Command::new(assets::find("chromium"));
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=1500,6200",
            "--virtual-time-budget=5000",
        ])
        .arg(profile)
        .args(arguments)
        .env("HOME", folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "chromium: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
