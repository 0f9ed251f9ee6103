//! Where the metrics of a run go.

use super::*;

/// As debug output, which shows no secret.
fn pusher(environment: &[(&str, &str)]) -> String {
    format!("{:?}", good(environment).export.pusher.expect("a push"))
}

#[test]
fn nothing_is_pushed_or_written_unless_it_is_said() {
    let export = good(&[]).export;
    assert!(export.pusher.is_none() && export.textfiles.is_none() && !export.per_pod);
}

#[test]
fn the_receiver_is_told_by_the_path_or_by_name() {
    let (url, format) = ("METRICS_PUSH_URL", "METRICS_PUSH_FORMAT");
    for (address, receiver) in [
        ("http://p:9091", "Pushgateway"),
        ("http://p/prefix/", "Pushgateway"),
        ("http://v/insert/0/prometheus", "VictoriaMetrics"),
        ("http://v:8428/api/v1/import/prometheus", "VictoriaMetrics"),
    ] {
        let shown = pusher(&[(url, address)]);
        assert!(shown.contains(receiver), "{address}: {shown}");
    }
    assert!(pusher(&[(url, "http://v"), (format, "VictoriaMetrics")]).contains("receiver: VictoriaMetrics"));
    assert!(pusher(&[(url, "http://p/insert/"), (format, "pushgateway")]).contains("receiver: Pushgateway"));
}

#[test]
fn an_address_with_credentials_is_refused_without_showing_them() {
    let problems = bad(&[("METRICS_PUSH_URL", "http://me:hush@p")]);
    let expected = "METRICS_PUSH_URL: expected a URL without credentials; use METRICS_PUSH_USERNAME and METRICS_PUSH_PASSWORD_FILE";
    assert_eq!(problems, [expected]);
    let problems = bad(&[("METRICS_PUSH_URL", "ftp://p?key=hush")]);
    assert_eq!(
        problems,
        ["METRICS_PUSH_URL: expected a base URL with http or https, such as http://pushgateway:9091"]
    );
}

#[test]
fn a_header_of_the_push_that_can_not_be_sent_is_blamed_without_its_value() {
    let problems = bad(&[("METRICS_PUSH_URL", "http://p"), ("METRICS_PUSH_HEADERS", "X Y=hush")]);
    assert_eq!(
        problems,
        ["METRICS_PUSH_HEADERS: expected headers that work, but one of them is no header name"]
    );
}

#[test]
fn metrics_go_into_a_folder_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let export = good(&[("METRICS_TEXTFILE_DIR", path), ("METRICS_PER_POD", "true")]).export;
    assert_eq!((export.textfiles.as_deref(), export.per_pod), (Some(folder.path()), true));
}
