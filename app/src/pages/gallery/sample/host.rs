//! One host with a past, and the differences between its generations.

use backstay_model::closure_diff::ClosureDiff;
use backstay_model::comparison::{CommitLine, Commits, CommitsBetween, Comparison};
use backstay_model::rollback::{HostHistory, plan};
use backstay_model::test_history::histories;
use backstay_model::timeline::Timeline;
use backstay_model::view::HostDetail;
use backstay_model::{Labels, OpAction, OpStatus, OpView, TestRun};
use chrono::TimeDelta;

use super::fleet::changed;
use super::{closed, commit, facts, fleet, now, rollback_to, test_run};

/// An op moved into the past.
fn earlier(hours: i64, op: OpView) -> OpView {
    let before = |at| at - TimeDelta::hours(hours);
    OpView {
        created_at: before(op.created_at),
        started_at: op.started_at.map(before),
        finished_at: op.finished_at.map(before),
        ..op
    }
}

/// Test runs, newest first: passing until yesterday, failing since.
fn runs() -> Vec<TestRun> {
    let run = |number, passed, hours| {
        let run = test_run(number, passed);
        let earlier = |at| at - TimeDelta::hours(hours);
        TestRun { started_at: earlier(run.started_at), finished_at: earlier(run.finished_at), ..run }
    };
    vec![run(48, 3, 0), run(47, 8, 2), run(47, 6, 9), run(47, 8, 24), run(46, 8, 49)]
}

/// A host with very long names and lists.
pub(in super::super) fn odd() -> Option<HostDetail> {
    let name = |kind: &str, number: usize| {
        format!("{}-{kind}{number}", "check_that_the_nightly_backup_ran".repeat(6))
    };
    let mut detail = gpc0()?;
    let facts = detail.facts.as_mut()?;
    facts.failed_units = (0..320).map(|number| format!("{}.service", name("unit", number))).collect();
    let result = |number| backstay_model::TestResult {
        name: name("test", number),
        passed: number < 163,
        duration_ms: 140,
        tail: vec!["it did not run: ".repeat(30)],
    };
    facts.test_runs[0].results = (0..200).map(result).collect();
    facts.generations =
        (1..=200).rev().map(|number| super::generation(number, 200 - i64::from(number))).collect();
    facts.generations[0].current = true;
    facts.running = Some(facts.generations[0].store_path.clone());
    facts.test_runs[0].generation = facts.generations[0].reference();
    facts.problems = vec![format!("{} could not be read.", "/etc/nixos/".repeat(30))];
    let message = format!("163 of 200 tests passed. Failed: {}.", name("test", 170));
    let ops = vec![earlier(1, closed(OpAction::Test, OpStatus::Failed, &message))];
    let runs = facts.test_runs.clone();
    let past = HostHistory { runs: &runs, ops: &ops, reverted: &[] };
    detail.plan = plan("gpc0", true, facts, &past, None, now());
    detail.timeline = Timeline::of(facts, &past, now());
    detail.tests = histories(None, &runs, &ops);
    let facts = facts.clone();
    detail.host =
        changed(|situation| situation.facts = Some(facts)).host("gpc0", backstay_model::Platform::Nixos);
    detail.ops = ops;
    Some(detail)
}

/// gpc0, whose last switch succeeded but left it broken.
pub(in super::super) fn gpc0() -> Option<HostDetail> {
    let host = fleet().into_iter().find(|host| host.name == "gpc0")?;
    let mut facts = facts();
    facts.test_runs = vec![test_run(48, 3), test_run(47, 8), test_run(46, 8)];
    let (runs, names) =
        (runs(), facts.test_runs[0].results.iter().map(|r| r.name.clone()).collect::<Vec<_>>());
    let ops = vec![
        earlier(1, closed(OpAction::Test, OpStatus::Failed, "3 of 8 tests passed on Gen 48.")),
        earlier(1, closed(OpAction::PullSwitch, OpStatus::Succeeded, "Gen 48 is active.")),
        earlier(30, closed(rollback_to(46), OpStatus::Succeeded, "Rolled back to Gen 46")),
        earlier(
            50,
            closed(OpAction::Switch, OpStatus::Failed, "It ended with exit 2: the activation script failed."),
        ),
    ];
    let past = HostHistory { runs: &runs, ops: &ops, reverted: &[] };
    Some(HostDetail {
        labels: Labels { tags: host.tags.clone(), notes: "In the reading room, second shelf.".into() },
        plan: plan("gpc0", true, &facts, &past, None, now()),
        timeline: Timeline::of(&facts, &past, now()),
        tests: histories(Some(&names), &runs, &ops),
        test_timeout: None,
        facts: Some(facts),
        host,
        ops,
        last_event: 0,
    })
}

/// Packages and commits between two generations.
pub(in super::super) fn comparison() -> Comparison {
    let packages = "bash: 5.3p3 → 5.3p9, +8.2 KiB\nfirefox: 147.0.1 → 148.0, +12.5 MiB\nlinux: 6.18.16, 6.18.17 → 6.18.17, -154.3 MiB\n\
                    mesa: 25.3.4 → 26.0.0, +3.1 MiB\nxorg-server: 21.1.21 → ∅, -3.9 MiB\nxwayland-satellite: ∅ → 0.8, +2.2 MiB\n";
    let line = |number, subject: &str| CommitLine { commit: commit(number), subject: subject.into() };
    let lost = vec![
        line(48, "Update flake.lock"),
        line(
            47,
            "Have the desks draw by Wayland, keep X11 for the two old graphics cards until they are replaced, and say in the notes of each host which of them it has",
        ),
    ];
    let commits = CommitsBetween { lost: Commits { newest: lost, more: 3 }, ..CommitsBetween::default() };
    Comparison {
        packages: Ok(ClosureDiff::parse(packages)),
        commits: Ok(commits),
        ..Comparison::unknown("The host's agent is too old to report this. Update the agent.")
    }
}
