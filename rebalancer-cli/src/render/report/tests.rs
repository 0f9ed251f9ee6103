//! The page holds nothing that is run or loaded, and nothing that is not known is drawn.

use super::*;

fn report(name: &str) -> Report {
    let lines = vec![
        ("as it was".to_owned(), vec![Some(0.4), None, Some(0.2), Some(0.2)]),
        ("with rotations".to_owned(), vec![Some(0.4), None, None, Some(0.1)]),
    ];
    let times: Vec<String> = (0..4).map(|hour| format!("0{hour}:00")).collect();
    let heat = vec![(name.to_owned(), vec![Some(1.0), None, Some(3.0), Some(0.0)])];
    Report {
        title: name.to_owned(),
        subtitle: name.to_owned(),
        summary: vec![name.to_owned()],
        glance: vec![("3".to_owned(), name.to_owned())],
        courses: vec![
            Course {
                title: name.to_owned(),
                times: times.clone(),
                shows: Shows::Lines { lines, marks: vec![1] },
            },
            Course { title: name.to_owned(), times, shows: Shows::Heat { rows: heat } },
        ],
        tables: vec![Table { rows: vec![vec![name.to_owned()]], ..Table::new(name, &["Pod"]) }],
        sources: vec![name.to_owned()],
    }
}

#[test]
fn names_are_text_and_nothing_is_loaded_or_run() {
    let html = html(&report("<script>alert('x')</script> & \"y\" \u{1b}[0m")).unwrap();
    for forbidden in
        ["<script", "<link", "<img", "<iframe", " src=", " href=", "url(", "@import", "\u{1b}", "javascript:"]
    {
        assert!(!html.contains(forbidden), "{forbidden} is in the page");
    }
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;"));
}

#[test]
fn every_color_is_one_of_the_style_and_so_light_and_dark() {
    let html = html(&report("orders")).unwrap();
    let body = html.split_once("</style>").unwrap().1;
    let fixed: Vec<&str> = body.match_indices("=\"#").map(|(at, _)| &body[at..at + 10]).collect();
    assert_eq!(fixed, Vec::<&str>::new());
    for name in ["ink", "line", "mark", "was", "would", "h0", "h5"] {
        assert!(body.contains(&format!("var(--{name})")), "{name}");
        assert_eq!(html.matches(&format!("--{name}: #")).count(), 3, "{name} for light, dark and paper");
    }
}

#[test]
fn what_is_not_known_leaves_a_gap() {
    let shows = report("orders").courses;
    let svg = chart::svg(&shows[1], chart::Width::Wide).unwrap();
    // Three of four cells.
    assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
    let lines = chart::svg(&shows[0], chart::Width::Wide).unwrap();
    // Each of the two lines has two parts.
    let parts =
        |name: &str| lines.lines().filter(|line| line.contains("polyline") && line.contains(name)).count();
    assert_eq!((parts("var(--was)"), parts("var(--would)")), (2, 2), "{lines}");
}

#[test]
fn each_column_has_at_most_one_label() {
    let course =
        Course { times: vec!["now".to_owned(), "then".to_owned()], ..report("orders").courses.remove(0) };
    let svg = chart::svg(&course, chart::Width::Wide).unwrap();
    let labels = |time: &str| svg.lines().filter(|line| line.trim() == time).count();
    assert_eq!((labels("now"), labels("then")), (1, 1), "{svg}");
}

#[test]
fn only_a_word_that_is_too_wide_for_paper_may_be_broken() {
    let wide = "a".repeat(25);
    let rows = vec![vec![wide.clone(), "0.318".to_owned(), "REBALANCE_TOP_K_PODS=1".to_owned()]];
    let tables = vec![Table { rows, ..Table::new("Pods", &["Pod"]) }];
    let html = html(&Report { tables, ..Report::default() }).unwrap();
    let row = format!("<td class=\"long\">{wide}</td><td>0.318</td><td>REBALANCE_TOP_K_PODS=1</td>");
    assert!(html.contains(&row), "{html}");
}

#[test]
fn an_empty_report_is_a_page_too() {
    let html = html(&Report::default()).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
}

#[test]
fn one_page_holds_the_reports_of_all_workloads() {
    let html = page::html(&[report("orders"), report("bills"), report("mails")]).unwrap();
    assert!(html.contains("<title>orders and 2 more</title>"), "{html}");
    let titles: Vec<&str> =
        html.split("<h1>").skip(1).filter_map(|rest| rest.split_once('<')).map(|(title, _)| title).collect();
    assert_eq!(titles, ["orders", "bills", "mails"]);
    let count = |tag: &str| html.matches(tag).count();
    assert_eq!((count("<article>"), count("</article>"), count("<html"), count("<style>")), (3, 3, 1, 1));
}
