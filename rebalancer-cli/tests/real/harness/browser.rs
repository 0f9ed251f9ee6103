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

/// Measures from outside, as the page itself lets no script run.
const MEASURE: &str = r"
onload = () => {
  const frame = document.getElementById('page'), page = frame.contentDocument, view = frame.contentWindow;
  const channel = x => (x /= 255) <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  const light = color => {
    const [r, g, b] = color.match(/[\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const color = view.getComputedStyle(element).backgroundColor;
      if (color && color !== 'rgba(0, 0, 0, 0)') return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const seen = element => element.getBoundingClientRect().width > 0;
  const all = selector => [...page.querySelectorAll(selector)].filter(seen);
  let contrast = [99, ''];
  for (const element of all('h1, h2, p, dd, dt, th, td, li, span, svg text')) {
    const style = view.getComputedStyle(element);
    const front = light(element.tagName === 'text' ? style.fill : style.color), back = light(behind(element));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < contrast[0]) contrast = [ratio, element.tagName + ' ' + element.textContent.slice(0, 40)];
  }
  const beyond = all('main, main > *, article > *, section > *').filter(e => e.getBoundingClientRect().right > view.innerWidth + 0.5);
  const broken = [];
  for (const cell of all('th, td')) {
    const text = cell.firstChild;
    for (const word of text ? text.data.matchAll(/[^\s-]+/g) : []) {
      const range = page.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (word[0].length <= 24 && range.getClientRects().length > 1) broken.push(word[0]);
    }
  }
  document.getElementById('found').textContent = JSON.stringify({
    content: page.documentElement.scrollWidth,
    beyond: beyond.map(element => element.tagName),
    contrast,
    charts: all('svg').length,
    smallest: Math.min(99, ...all('svg text').map(element => element.getBoundingClientRect().height)),
    paper: view.getComputedStyle(page.body).backgroundColor,
    broken,
  });
};";

/// Renders a page at this width in this color scheme, and measures it.
pub(crate) async fn measure(html: &str, width: u32, scheme: &str) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let inner = html.replace('&', "&amp;").replace('"', "&quot;");
    let outer = format!(
        "<!doctype html><meta charset=utf-8><iframe id=page style=\"width:{width}px;height:6000px;border:0;\
         color-scheme:{scheme}\" srcdoc=\"{inner}\"></iframe><pre id=found></pre><script>{MEASURE}</script>"
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
