//! The scenarios, a file for each subject. All are ignored, as they need real servers: how to get them and run a scenario is
//! the note of `harness::all_servers_and_tools_are_installed`, so that it stands once in what `cargo test` prints too.

mod access;
mod admission;
mod alerts;
mod audit;
mod autoscaler;
mod check_budgets;
mod check_cluster;
mod check_endpoint;
mod check_fleet;
mod check_record;
mod check_rights;
mod check_samples;
mod dashboard;
mod decision;
mod eligibility;
mod fault;
mod guard;
mod harness;
mod helm;
mod indicators;
mod kafka_pods;
mod kubeconfig;
mod kustomize;
mod memory;
mod metrics;
mod owners;
mod prediction;
mod ranking;
mod removal;
mod restart;
mod rights;
mod scale;
mod series;
mod strangers;
mod workloads;
