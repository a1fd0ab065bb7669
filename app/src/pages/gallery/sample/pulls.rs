//! Pull requests, deployments and roll-outs.

use backstay_model::deployment::{Decision, Deployment, HostOutcome, PullRequestRef, Step};
use backstay_model::flake_lock::{InputChange, Pin};
use backstay_model::pull_request::{
    Checks, Inputs, Mergeable, Origin, OtherFiles, PullRequests, Reading, UpdatePullRequest,
};
use backstay_model::rollout::{Rollout, RolloutHost, RolloutState, RolloutStep};
use backstay_model::{DeploymentId, HostId, OpAction, OpId, OpKind};
use chrono::TimeDelta;

use super::{commit, now};

fn pin(number: u32, days_old: i64) -> Pin {
    Pin { revision: commit(number).0, modified: Some(now() - TimeDelta::days(days_old)) }
}

fn change(name: &str, from: Option<Pin>, to: Option<Pin>) -> InputChange {
    let page = |from: &Pin, to: &Pin| {
        format!("https://github.com/NixOS/{name}/compare/{}...{}", from.revision, to.revision)
    };
    let compare = from.as_ref().zip(to.as_ref()).map(|(from, to)| page(from, to));
    InputChange { name: name.into(), from, to, compare }
}

fn open(number: u64, title: &str, inputs: Inputs, checks: Checks, mergeable: Mergeable) -> UpdatePullRequest {
    UpdatePullRequest {
        number,
        title: title.into(),
        url: format!("https://github.com/you/nixcfg/pull/{number}"),
        author: "flake-updater".into(),
        head: commit(49),
        updated_at: now() - TimeDelta::minutes(17),
        origin: Origin { fork: None, is_known_author: true },
        other_files: OtherFiles::Known { paths: vec![], more: 0 },
        inputs,
        checks,
        mergeable,
    }
}

/// What pull request #42 changes.
fn inputs() -> Inputs {
    let changes = vec![
        change("home-manager", Some(pin(2, 9)), Some(pin(3, 1))),
        change("nixpkgs", Some(pin(4, 9)), Some(pin(5, 0))),
        change("nixos-hardware", None, Some(pin(6, 3))),
    ];
    Inputs::Known { changes }
}

/// Pull requests in each of their states.
pub(in super::super) fn pull_requests() -> PullRequests {
    let passed = Checks { passed: 3, running: 0, failed: vec![] };
    let running = Checks { passed: 1, running: 2, failed: vec![] };
    let failed = Checks { passed: 2, running: 0, failed: vec!["build gpc0".into()] };
    let unread = Inputs::Unreadable { reason: "flake.lock cannot be read: expected value at line 1.".into() };
    PullRequests {
        reading: Reading::Known { read_at: now() },
        repository: "you/nixcfg".into(),
        branch: "main".into(),
        problems: vec![
            "GitHub's webhook has sent nothing since it was set up. The branch is read once a minute instead.".into(),
        ],
        open: vec![
            open(42, "Update flake.lock", inputs(), passed, Mergeable::Yes),
            open(43, "Update nixpkgs alone, with a title that goes on and on, as titles of pull requests sometimes do", Inputs::Known { changes: vec![] }, running, Mergeable::Unknown),
            open(44, "Update inputs", unread, failed, Mergeable::No { reason: "It conflicts with main.".into() }),
        ],
    }
}

fn reference(number: u64, title: &str) -> PullRequestRef {
    PullRequestRef {
        number,
        title: title.into(),
        url: format!("https://github.com/you/nixcfg/pull/{number}"),
    }
}

/// Results of a deployment: one host succeeded, two failed, one was not attempted, one is running.
pub(in super::super) fn outcomes() -> Vec<HostOutcome> {
    let ok = || Step::Ok { op: OpId::new() };
    let failed = |why: &str| Step::Failed { op: OpId::new(), why: why.into() };
    let host =
        |name: &str, switch, tests| HostOutcome { host: HostId::new(), name: name.into(), switch, tests };
    vec![
        host("csb0", ok(), ok()),
        host("csb1", Step::NotAttempted, Step::NotAttempted),
        host("gpc0", ok(), failed("x11, gpu")),
        host("hsb0", failed("exit 4: display-manager.service"), Step::NotAttempted),
        host("imac0", Step::Running { op: OpId::new() }, Step::NotAttempted),
    ]
}

/// A deployment of pull request #42.
pub(in super::super) fn deployment(decision: Decision, hosts: Vec<HostOutcome>) -> Deployment {
    Deployment {
        id: DeploymentId::new(),
        pull_request: reference(42, "Update flake.lock"),
        commit: commit(49),
        merged_by: "maria".into(),
        merged_at: now() - TimeDelta::minutes(12),
        inputs: Some(inputs()),
        decision,
        hosts,
    }
}

/// Steps of a roll-out, each a different one.
pub(in super::super) fn steps() -> Vec<RolloutStep> {
    vec![
        RolloutStep::Ok { op: OpId::new() },
        RolloutStep::Failed { op: Some(OpId::new()), why: "Tests failed: x11.".into(), in_tests: true },
        RolloutStep::Skipped { why: "It is busy (Run Tests, requested by jonas).".into() },
        RolloutStep::Testing { op: OpId::new() },
        RolloutStep::Running { op: OpId::new() },
        RolloutStep::Waiting,
    ]
}

/// The roll-out, paused by a person.
pub(in super::super) fn paused(rollout: Rollout) -> Rollout {
    Rollout { paused_at: Some(now() - TimeDelta::minutes(4)), paused_by: Some("jonas".into()), ..rollout }
}

/// A roll-out of pull and switch with these steps.
pub(in super::super) fn rollout(state: RolloutState, steps: Vec<RolloutStep>) -> Rollout {
    let names = ["csb0", "gpc0", "hsb0", "hsb1", "imac0", "imac0-maria"];
    let hosts = names.iter().zip(steps).map(|(name, step)| RolloutHost {
        step,
        ..RolloutHost::waiting(HostId::new(), (*name).to_owned(), OpAction::PullSwitch)
    });
    Rollout {
        reason: Some("February's update".into()),
        created_at: now() - TimeDelta::minutes(11),
        parallel: 2,
        state,
        ..backstay_model::sample::rollout(OpKind::PullSwitch, hosts.collect())
    }
}
