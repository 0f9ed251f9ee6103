//! A workload that the command's argument names, and settings that come from elsewhere.

use super::super::layers::Source;
use super::*;

#[test]
fn what_comes_from_a_workload_fills_only_what_nobody_has_set() {
    let told = [("KUBE_LABEL_SELECTOR", "app=told"), ("CONTAINER_NAME", "told"), ("KUBE_NAMESPACE", "told")];
    let filled = raw(&[("CONTAINER_NAME", "set")]).filled(told, Source::Workload);
    let of = |name: &str| (filled.get(name).unwrap(), filled.source(name).unwrap());
    assert_eq!(of("KUBE_LABEL_SELECTOR"), ("app=told", Source::Workload), "it has a default");
    assert_eq!(of("CONTAINER_NAME"), ("set", Source::Environment));
    assert_eq!(of("KUBE_NAMESPACE"), ("streams", Source::Environment));
    let settings = resolve::settings(&filled, Purpose::Cycle).unwrap();
    assert_eq!(settings.adapters.inventory.label_selector, "app=told");
    let shown = settings.effective.iter().find(|one| one.variable == "KUBE_LABEL_SELECTOR").unwrap();
    assert_eq!(shown.source.unwrap().name(), "workload");
}

#[test]
fn an_answer_needs_a_namespace_and_a_workload_and_nothing_that_tells_loads() {
    let only = |names: &[&str]| {
        let names = names.to_vec();
        gather(BTreeMap::new(), move |name| names.contains(&name).then(|| OsString::from("a.b"))).0
    };
    let named = only(&["DEPLOYMENT_NAME"]).filled([("KUBE_NAMESPACE", "streams")], Source::Context);
    let several = several(&named, Purpose::Record).unwrap();
    assert_eq!(several.workloads[0].run.subject.workload.to_string(), "streams/a.b");
    assert!(several.workloads[0].adapters.metrics.is_none());
    let missing = super::several(&only(&[]), Purpose::Record).unwrap_err();
    let missing: Vec<&str> = missing.iter().map(|problem| problem.variable.as_str()).collect();
    assert_eq!(missing, ["KUBE_NAMESPACE", "DEPLOYMENT_NAME"]);
}

#[test]
fn an_answer_does_not_cut_a_pause_of_the_run_short() {
    let raw = raw(&[("BREAKER_FIRST_PAUSE", "1m"), ("BREAKER_LONGEST_PAUSE", "2m")]);
    let policy = |purpose| several(&raw, purpose).unwrap().workloads[0].run.memory.unwrap().policy;
    let (first, longest) = (SignedDuration::from_mins(1), SignedDuration::from_hours(30 * 24));
    assert_eq!(policy(Purpose::Record), policy(Purpose::Cycle).opening_for(first, longest).unwrap());
}

/// The workloads that an argument selects, or why there is none.
fn selected(argument: Option<&str>, flags: &[(&str, &str)]) -> Result<Vec<String>, Vec<String>> {
    let file = "workloads: [{DEPLOYMENT_NAME: orders}, {DEPLOYMENT_NAME: payments, KUBE_NAMESPACE: billing},
        {DEPLOYMENT_NAME: payments, KUBE_NAMESPACE: test, REBALANCE_TOP_K_PODS: 1}]";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("workloads.yaml");
    std::fs::write(&path, file).unwrap();
    let path = path.to_str().unwrap();
    let given = BTreeMap::from([REQUIRED[0], REQUIRED[1], ("WORKLOADS_FILE", path)]);
    let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
    let (raw, _) = gather(flags, |name| given.get(name).map(OsString::from));
    let raw = match argument {
        Some(argument) => raw.naming(argument),
        None => raw,
    };
    let found = workloads(&raw);
    let found =
        found.map_err(|problems| messages(problems).into_iter().map(|text| text.replace(path, "FILE")));
    let name = |settings: &WorkloadSettings| settings.run.subject.workload.to_string();
    found.map(|found| found.iter().map(name).collect()).map_err(Iterator::collect)
}

fn lists_none_of(wanted: &str) -> String {
    format!(
        "WORKLOADS_FILE=\"FILE\": expected a file that lists {wanted}; it lists streams/orders, billing/payments, test/payments"
    )
}

#[test]
fn of_a_file_of_workloads_the_argument_selects_the_entries_of_that_name() {
    let of = |name, flags: &[(&str, &str)]| selected(Some(name), flags);
    assert_eq!(of("orders", &[]).unwrap(), ["streams/orders"]);
    assert_eq!(of("payments", &[]).unwrap(), ["billing/payments", "test/payments"]);
    assert_eq!(of("payments", &[("KUBE_NAMESPACE", "test")]).unwrap(), ["test/payments"]);
    let wrong = lists_none_of("payment, which the argument names");
    assert_eq!(of("payment", &[]).unwrap_err(), [wrong]);
    for name in ["orders", "payments"] {
        let wrong = lists_none_of(&format!("shop/{name}, as the argument and the flag say"));
        assert_eq!(of(name, &[("KUBE_NAMESPACE", "shop")]).unwrap_err(), [wrong]);
    }
}

#[test]
fn a_namespace_by_flag_selects_the_entries_in_it_and_moves_none_there() {
    let of = |namespace| selected(None, &[("KUBE_NAMESPACE", namespace)]);
    assert_eq!(of("streams").unwrap(), ["streams/orders"], "by the environment");
    assert_eq!(of("test").unwrap(), ["test/payments"]);
    assert_eq!(of("shop").unwrap_err(), [lists_none_of("a workload of namespace shop")]);
}
