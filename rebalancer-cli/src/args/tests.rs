//! What a command line comes to.

use super::*;

fn parsed(arguments: &[&str]) -> Invocation {
    parse(arguments.iter().map(OsString::from)).unwrap()
}

#[test]
fn the_command_line_is_sound() {
    command().debug_assert();
}

#[test]
fn without_a_command_one_cycle_is_run() {
    assert_eq!(parsed(&["rebalancer"]).action, Action::Run);
    assert_eq!(parsed(&["rebalancer", "run"]).action, Action::Run);
    assert_eq!(parsed(&["rebalancer", "reset"]).action, Action::Reset);
    let answered = |answer| Action::Answer { id: "0123".to_owned(), answer };
    assert_eq!(parsed(&["rebalancer", "approve", "0123"]).action, answered(Answer::Approve));
    assert_eq!(parsed(&["rebalancer", "reject", "0123"]).action, answered(Answer::Reject));
    assert_eq!(
        parsed(&["rebalancer", "plan", "-o", "json"]).action,
        Action::Plan { output: Output::Json, files: PlanFiles::default(), code: PlanCode::Made }
    );
    let asking = parsed(&["rebalancer", "plan", "--exit-code"]).action;
    assert_eq!(
        asking,
        Action::Plan { output: Output::Table, files: PlanFiles::default(), code: PlanCode::WouldAct }
    );
    let check = |json, settings| Action::Check { json, settings };
    assert_eq!(parsed(&["rebalancer", "check"]).action, check(false, false));
    assert_eq!(parsed(&["rebalancer", "check", "--settings"]).action, check(false, true));
    assert_eq!(parsed(&["rebalancer", "check", "--output", "json"]).action, check(true, false));
}

#[test]
fn every_setting_has_a_flag_with_and_without_the_command() {
    for variable in variable::all() {
        let flag = format!("--{}", variable.flag());
        for arguments in [
            vec!["rebalancer", &flag, "x"],
            vec!["rebalancer", "plan", &flag, "x"],
            vec!["rebalancer", &flag, "x", "plan"],
        ] {
            assert_eq!(parsed(&arguments).flags.get(variable.name), Some(&OsString::from("x")), "{flag}");
        }
    }
}

#[test]
fn a_plan_is_saved_or_replayed_and_a_replay_takes_no_setting() {
    let file = PathBuf::from("f");
    let save = parsed(&["rebalancer", "plan", "--save", "f"]).action;
    let files = PlanFiles { save: Some(file.clone()), report: None };
    assert_eq!(save, Action::Plan { output: Output::Table, files, code: PlanCode::Made });
    let replay = parsed(&["rebalancer", "plan", "--replay", "f", "--log-level", "debug"]).action;
    assert_eq!(replay, Action::Replay { output: Output::Table, file });
    for wrong in [
        vec!["rebalancer", "plan", "--replay", "f", "--save", "g"],
        vec!["rebalancer", "plan", "--replay", "f", "--exit-code"],
        vec!["rebalancer", "plan", "--replay", "f", "--tolerance-multiplier", "2"],
        vec!["rebalancer", "--tolerance-multiplier", "2", "plan", "--replay", "f"],
    ] {
        let mistake = parse(wrong.iter().map(OsString::from)).unwrap_err();
        assert_eq!(mistake.kind(), ErrorKind::ArgumentConflict, "{wrong:?}: {mistake}");
    }
}

#[test]
fn a_mistyped_flag_is_refused_with_exit_code_2() {
    let mistake = parse(["rebalancer", "--kube-namespce", "x"].map(OsString::from)).unwrap_err();
    assert!(mistake.to_string().contains("--kube-namespace"), "{mistake}");
    assert!(mistake.use_stderr());
}

#[test]
fn a_workload_is_an_argument_of_every_command_that_needs_one() {
    let orders = Address::Named(Named { kind: None, name: "orders".to_owned() });
    for command in ["run", "plan", "advise", "check", "reset"] {
        assert_eq!(parsed(&["rebalancer", command, "-n", "streams", "orders"]).address, orders, "{command}");
        assert_eq!(parsed(&["rebalancer", command]).address, Address::Settings, "{command}");
    }
    assert_eq!(parsed(&["rebalancer", "backtest", "orders", "--from", "7d"]).address, orders);
    for command in ["approve", "reject"] {
        let answer = parsed(&["rebalancer", command, "0123", "orders"]);
        assert_eq!(answer.address, orders, "{command}");
    }
    for command in ["plan", "advise", "check"] {
        assert_eq!(parsed(&["rebalancer", command, "--all"]).address, Address::All, "{command}");
    }
}

#[test]
fn namespace_and_context_are_said_as_to_kubectl() {
    let given = |arguments: &[&str]| parsed(arguments).flags;
    let said =
        given(&["rebalancer", "plan", "-n", "streams", "--context", "eu", "--kubeconfig", "f", "orders"]);
    for (variable, value) in [("KUBE_NAMESPACE", "streams"), ("KUBE_CONTEXT", "eu"), ("KUBECONFIG", "f")] {
        assert_eq!(said.get(variable), Some(&OsString::from(value)), "{variable}");
    }
    assert_eq!(given(&["rebalancer", "--namespace", "streams", "plan"])["KUBE_NAMESPACE"], "streams");
}

#[test]
fn a_workload_is_said_once() {
    for wrong in [
        vec!["rebalancer", "plan", "orders", "--deployment-name", "orders"],
        vec!["rebalancer", "--deployment-name", "orders", "plan", "orders"],
        vec!["rebalancer", "plan", "--all", "--deployment-name", "orders"],
        vec!["rebalancer", "plan", "--all", "orders"],
        vec!["rebalancer", "plan", "--replay", "f", "orders"],
        vec!["rebalancer", "advise", "--replay", "f", "--all"],
        vec!["rebalancer", "plan", "-n", "a", "--kube-namespace", "b"],
    ] {
        let mistake = parse(wrong.iter().map(OsString::from)).unwrap_err();
        assert_eq!(mistake.kind(), ErrorKind::ArgumentConflict, "{wrong:?}: {mistake}");
    }
    for wrong in [vec!["rebalancer", "run", "--all"], vec!["rebalancer", "serve", "orders"]] {
        let mistake = parse(wrong.iter().map(OsString::from)).unwrap_err();
        assert_eq!(mistake.kind(), ErrorKind::UnknownArgument, "{wrong:?}: {mistake}");
    }
}

#[test]
fn called_by_kubectl_it_speaks_as_its_plugin() {
    let program = |name: &str| parsed(&[name, "plan"]).program;
    assert_eq!(program("/usr/bin/kubectl-rebalancer"), Program::KubectlPlugin);
    assert_eq!(program("kubectl-rebalancer.exe"), Program::KubectlPlugin);
    assert_eq!(program("./rebalancer"), Program::Rebalancer);
    for (arguments, kind) in [
        (&["kubectl-rebalancer"][..], ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        (&["kubectl-rebalancer", "-n", "streams"], ErrorKind::MissingSubcommand),
    ] {
        let mistake = parse(arguments.iter().map(OsString::from)).unwrap_err();
        assert_eq!(
            (mistake.kind(), mistake.exit_code()),
            (kind, 2),
            "no cycle is run unasked: {arguments:?}"
        );
    }
    let help = parse(["kubectl-rebalancer", "plan", "--help"].map(OsString::from)).unwrap_err().to_string();
    assert!(help.contains("Usage: kubectl rebalancer plan [OPTIONS] [WORKLOAD]"), "{help}");
}

#[test]
fn short_help_is_about_the_command_and_help_about_every_setting() {
    let mut plan = command().find_subcommand("plan").unwrap().clone();
    let (short, long) = (plan.render_help().to_string(), plan.render_long_help().to_string());
    assert!(short.lines().count() < 70, "{short}");
    for flag in ["--output <FORM>", "--kube-namespace", "--kube-context", "--prometheus-endpoint"] {
        assert!(short.contains(flag), "{flag} is not in\n{short}");
    }
    assert!(variable::all().all(|variable| long.contains(&format!("--{}", variable.flag()))));
}
