//! What each command says of its exit codes, at the end of its help.

pub(super) const AFTER_HELP: &str = "\
Traces are exported by OTLP over HTTP when OTEL_EXPORTER_OTLP_ENDPOINT or another standard OTEL variable says so.

Exit codes:
  0  every cycle finished: rebalanced, dry run, balanced, held or proposed
  1  a cycle failed: an API could not be used, a removal failed, or it was interrupted or not started
  2  the command line or the configuration is wrong; nothing was contacted";

pub(super) const PLAN_EXIT_CODES: &str = "\
Exit codes:
  0  every decision was shown, and saved where that was asked for; with --replay, each is the one that was saved
  1  the fleet could not be observed, or the file could not be written
  2  the command line, the configuration or the file of --replay is wrong, or no workload is named: then those that look
     like consumers are listed
  3  with --replay: a decision differs from the one that was saved
  4  with --exit-code: a run would rotate pods now";

pub(super) const ADVISE_EXIT_CODES: &str = "\
Exit codes:
  0  the advice was shown
  1  the fleet could not be observed
  2  the command line, the configuration or the file of --replay is wrong, or no workload is named: then those that look
     like consumers are listed";

pub(super) const BACKTEST_EXIT_CODES: &str = "\
Exit codes:
  0  the past was gone through and shown; what is not known of it is named
  1  the metric server could not be used, or gave more values than --points, or Kafka could not be read where nothing else tells loads
  2  the command line or the configuration is wrong; nothing was contacted";

pub(super) const ANSWER_EXIT_CODES: &str = "\
Exit codes:
  0  the answer is written
  1  it is not: no such proposal, one that is over or answered, a missing right, or a record that can't be used
  2  the command line or the configuration is wrong; nothing was contacted";

pub(super) const SERVE_EXIT_CODES: &str = "\
Exit codes:
  0  it was asked to stop, and every cycle has ended
  1  it could not listen, or not go on
  2  the command line or the configuration is wrong; nothing was contacted";

pub(super) const CHECK_EXIT_CODES: &str = "\
Exit codes:
  0  all is well; there may be warnings
  1  a finding is an error: a cycle would fail, or hold forever
  2  the command line or the configuration is wrong, or no workload is named: then those that look like consumers are
     listed";
