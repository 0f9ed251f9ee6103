//! Outputs to the last letter, in files beside the tests.

/// The text, without the spaces at the ends of its lines, is that of the file under `render`, such as `plan/tests/one.txt`.
/// With UPDATE_GOLDEN=1 it is written anew.
pub(crate) fn golden(file: &str, text: &str) {
    let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";
    let path = format!("{}/src/render/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().zip(expected.lines()).find(|(is, was)| is != was);
    let size = (text.lines().count(), expected.lines().count());
    assert!(
        text == expected,
        "{file} is not what is shown (UPDATE_GOLDEN=1 writes it anew): {size:?} {differs:?}"
    );
}

/// A report, without what the build says of itself, and without its style, which has a file of its own.
pub(crate) fn golden_report(file: &str, report: &super::report::Report) {
    let html = super::report::html(report).unwrap();
    let style = include_str!("report/style.css");
    assert!(html.contains(style), "{file} has no style");
    golden(file, &html.replace(&crate::args::version(), "VERSION").replace(style, "/* style.css */\n"));
}
