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
        parsed(&["rebalancer", "plan", "--output", "json"]).action,
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
