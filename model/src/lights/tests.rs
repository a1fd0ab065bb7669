//! Every row of the table in `docs/architecture.md`.

use chrono::TimeDelta;

use super::*;
use crate::sample::{facts, generation, now, op, rollback_to, test_run};
use crate::{Commit, LocalState, NoCheckout, OpAction, OpId, Outcome, Phase};

const V: &str = "1.2.0";

/// A host with nothing to do: all five lights are green.
struct Host {
    agent: Option<AgentVersion<'static>>,
    facts: Option<Facts>,
    desired: DesiredState,
    open_op: Option<OpView>,
    last_system_op: Option<OpView>,
}

fn healthy() -> Host {
    let mut facts = facts();
    facts.test_runs[0] = test_run(48, 8, 8);
    Host {
        agent: Some(AgentVersion { version: V, protocol: PROTOCOL_VERSION }),
        facts: Some(facts),
        desired: DesiredState::Known {
            commit: Commit("c48".into()),
            tree: Commit("t48".into()),
            lock_hash: Some("l1".into()),
            read_at: now(),
        },
        open_op: None,
        last_system_op: None,
    }
}

impl Host {
    fn facts(&mut self) -> &mut Facts {
        self.facts.as_mut().unwrap()
    }

    fn lights(&self) -> Lights {
        lights(&LightInputs {
            server_version: V,
            agent: self.agent,
            facts: self.facts.as_ref(),
            desired: &self.desired,
            open_op: self.open_op.as_ref(),
            last_system_op: self.last_system_op.as_ref(),
        })
    }
}

fn closed(action: OpAction, status: OpStatus, outcome: Option<Outcome>) -> OpView {
    OpView { outcome, message: Some("Exit 2.".into()), exit_code: Some(2), ..op(action, status) }
}

type Change = fn(&mut Host);
type Row = (&'static str, Change, fn(&Lights) -> &Light, State, &'static str);

fn forward_to(number: u32) -> OpAction {
    OpAction::Rollback {
        target: generation(number, 0).reference(),
        seen_current: generation(number - 1, 0).reference(),
        specialisation: None,
    }
}

fn go_to(host: &mut Host, number: u32) {
    let path = generation(number, 0).store_path;
    let facts = host.facts();
    for g in &mut facts.generations {
        g.current = g.number == number;
    }
    facts.running = Some(path);
}

fn named(name: &str) -> Commit {
    Commit(name.into())
}

/// Moves the host's checkout to this commit and tree.
fn checkout_at(host: &mut Host, commit: &str, of: &str) {
    let checkout = host.facts().checkout.as_mut().unwrap();
    (checkout.commit, checkout.tree) = (named(commit), Some(named(of)));
}

/// A commit as a checkout names it.
const FULL: &str = "07f74d4be34a2bd1b4b6e4f6e2c31d3dba9c0a11";

/// Puts the checkout at [`FULL`] and has the running generation record `revision`.
fn built(host: &mut Host, revision: &str) {
    host.facts().checkout.as_mut().unwrap().commit = named(FULL);
    host.facts().generations[0].commit = Some(named(revision));
}

fn without_checkout(host: &mut Host, why: Option<&str>) {
    let facts = host.facts();
    facts.checkout = None;
    facts.no_checkout = Some(NoCheckout { path: "/etc/nixos".into(), why: why.map(str::to_owned) });
}

fn local(host: &mut Host, change: fn(&mut LocalState)) {
    change(host.facts().checkout.as_mut().unwrap().local.get_or_insert_default());
}

/// Gives the checkout a commit that its branch lacked when it was last fetched, at `upstream`.
fn ahead(host: &mut Host, upstream: &str, behind: u32) {
    let checkout = host.facts().checkout.as_mut().unwrap();
    checkout.commit = named("own");
    checkout.local =
        Some(LocalState { upstream: Some(named(upstream)), ahead: 1, behind, ..LocalState::default() });
}

fn pull_switch(host: &mut Host, status: OpStatus, phase: Option<Phase>) {
    host.open_op = Some(OpView { phase, ..op(OpAction::PullSwitch, status) });
}

#[rustfmt::skip] // a table: one row, one line
const ROWS: &[Row] = &[
    ("agent: the server's version", |_| {}, |c| &c.agent, State::Ok, "Current"),
    ("agent: older", |h| h.agent = Some(AgentVersion { version: "1.1.0", protocol: 1 }), |c| &c.agent, State::Attention, "Agent 1.1.0"),
    ("agent: incompatible", |h| h.agent = Some(AgentVersion { version: "9", protocol: 99 }), |c| &c.agent, State::Failed, "Incompatible"),
    ("agent: never", |h| h.agent = None, |c| &c.agent, State::Unknown, "Never connected"),
    ("git: at the head", |_| {}, |c| &c.git, State::Ok, "At c48"),
    ("git: behind", |h| h.facts().checkout.as_mut().unwrap().commit = Commit("c1".into()), |c| &c.git, State::Attention, "Behind"),
    ("git: the files of the head", |h| checkout_at(h, "r1", "t48"), |c| &c.git, State::Ok, "Same files"),
    ("git: other files, known tree", |h| checkout_at(h, "r1", "t1"), |c| &c.git, State::Attention, "Behind"),
    ("git: branch not readable", unreadable, |c| &c.git, State::Failed, "Branch not readable"),
    ("git: no repository", |h| h.desired = DesiredState::NotConfigured, |c| &c.git, State::Unknown, "No repository"),
    ("git: moved from here, and not read again yet", moved, |c| &c.git, State::Attention, "Behind"),
    ("git: moved from here to where the checkout is", |h| { moved(h); checkout_at(h, "c49", "t49"); }, |c| &c.git, State::Ok, "At c49"),
    ("git: never reported", |h| h.facts = None, |c| &c.git, State::Unknown, "Not reported"),
    ("git: an agent that does not say why it has no checkout", |h| h.facts().checkout = None, |c| &c.git, State::Unknown, "No checkout"),
    ("git: no checkout", |h| without_checkout(h, None), |c| &c.git, State::Unknown, "No checkout"),
    ("git: a checkout that cannot be read", |h| without_checkout(h, Some("Permission denied")), |c| &c.git, State::Attention, "Checkout not readable"),
    ("git: changed files at the head", |h| local(h, |l| l.changed = 2), |c| &c.git, State::Attention, "Local changes"),
    ("git: another branch", |h| local(h, |l| l.on = Some("try".into())), |c| &c.git, State::Attention, "On another branch"),
    ("git: no branch", |h| local(h, |l| l.on = Some(String::new())), |c| &c.git, State::Attention, "On another branch"),
    ("git: ahead", |h| ahead(h, "c48", 0), |c| &c.git, State::Attention, "Ahead"),
    ("git: diverged", |h| ahead(h, "c48", 1), |c| &c.git, State::Attention, "Diverged"),
    ("git: commits of its own, and a branch that moved on since", |h| ahead(h, "c47", 0), |c| &c.git, State::Attention, "Diverged"),
    ("git: behind, with nothing of its own", |h| { h.facts().checkout.as_mut().unwrap().commit = named("c1"); local(h, |l| l.behind = 3); }, |c| &c.git, State::Attention, "Behind"),
    ("git: pulling", |h| h.open_op = Some(op(OpAction::Pull, OpStatus::Running)), |c| &c.git, State::Working, "Pulling"),
    ("git: pulling before a switch", |h| pull_switch(h, OpStatus::Running, Some(Phase::Pulling)), |c| &c.git, State::Working, "Pulling"),
    ("git: pulled, and switching", |h| pull_switch(h, OpStatus::Running, Some(Phase::Building)), |c| &c.git, State::Ok, "At c48"),
    ("git: a pull and switch on its way", |h| pull_switch(h, OpStatus::Sent, None), |c| &c.git, State::Ok, "At c48"),
    ("lock: up to date", |_| {}, |c| &c.lock, State::Ok, "Up to date"),
    ("lock: differs", |h| h.facts().checkout.as_mut().unwrap().lock_hash = Some("l0".into()), |c| &c.lock, State::Attention, "Outdated"),
    ("lock: absent on the host", |h| h.facts().checkout.as_mut().unwrap().lock_hash = None, |c| &c.lock, State::Attention, "Outdated"),
    ("lock: branch not readable", unreadable, |c| &c.lock, State::Failed, "Lock not readable"),
    ("lock: moved from here, and not read again yet", moved, |c| &c.lock, State::Attention, "Outdated"),
    ("lock: no repository", |h| h.desired = DesiredState::NotConfigured, |c| &c.lock, State::Unknown, "No repository"),
    ("lock: pulling before a switch", |h| pull_switch(h, OpStatus::Running, Some(Phase::Pulling)), |c| &c.lock, State::Working, "Pulling"),
    ("lock: no checkout", |h| without_checkout(h, None), |c| &c.lock, State::Unknown, "No checkout"),
    ("lock: never reported", |h| h.facts = None, |c| &c.lock, State::Unknown, "Not reported"),
    ("system: built from the checkout", |_| {}, |c| &c.system, State::Ok, "Gen 48"),
    ("system: switch due", |h| h.facts().checkout.as_mut().unwrap().commit = Commit("c49".into()), |c| &c.system, State::Attention, "Switch due"),
    ("system: built from the same files", |h| { h.facts().generations[0].tree = Some(named("t48")); checkout_at(h, "r1", "t48"); }, |c| &c.system, State::Ok, "Gen 48"),
    ("system: built from other files", |h| { h.facts().generations[0].tree = Some(named("t47")); checkout_at(h, "r1", "t48"); }, |c| &c.system, State::Attention, "Switch due"),
    ("system: built from unknown files", |h| checkout_at(h, "r1", "t48"), |c| &c.system, State::Attention, "Switch due"),
    ("system: nothing to compare", |h| h.facts().checkout = None, |c| &c.system, State::Ok, "Gen 48"),
    ("system: a short revision of the checkout's commit", |h| built(h, "07f74d4"), |c| &c.system, State::Ok, "Gen 48"),
    ("system: a short revision of another commit", |h| built(h, "b45f6cd"), |c| &c.system, State::Attention, "Switch due"),
    ("system: built with changes that are still there", |h| { built(h, &format!("{FULL}-dirty")); local(h, |l| l.changed = 1); }, |c| &c.system, State::Ok, "Gen 48"),
    ("system: built with changes that are gone", |h| { built(h, "07f74d4-dirty"); local(h, |_| {}); }, |c| &c.system, State::Attention, "Switch due"),
    ("system: built with changes, and an agent that does not report them", |h| built(h, "07f74d4-dirty"), |c| &c.system, State::Ok, "Gen 48"),
    ("system: changed since it was built", |h| { built(h, FULL); local(h, |l| l.changed = 1); }, |c| &c.system, State::Attention, "Switch due"),
    ("system: a revision that names no commit", |h| built(h, "dirty"), |c| &c.system, State::Ok, "Gen 48"),
    ("system: a switch builds something else", |h| { built(h, "b45f6cd"); h.facts().switch_flake = Some("github:you/nixcfg#gpc0".into()); }, |c| &c.system, State::Ok, "Gen 48"),
    ("system: a specialisation", |h| h.facts().specialisation = Some("gaming".into()), |c| &c.system, State::Ok, "Gen 48 (gaming)"),
    ("system: a profile that points at no generation", |h| h.facts().generations[0].current = false, |c| &c.system, State::Attention, "Profile broken"),
    ("system: profile ahead of what runs", |h| h.facts().running = Some(generation(47, 0).store_path), |c| &c.system, State::Attention, "Gen 47 runs"),
    ("system: reboot needed", |h| h.facts().generations[0].needs_reboot = true, |c| &c.system, State::Attention, "Reboot needed"),
    ("system: switching", |h| h.open_op = Some(op(OpAction::Switch, OpStatus::Running)), |c| &c.system, State::Working, "Switching"),
    ("system: pulling before a switch", |h| pull_switch(h, OpStatus::Running, Some(Phase::Pulling)), |c| &c.system, State::Working, "Switching"),
    ("system: switching after a pull", |h| pull_switch(h, OpStatus::Running, Some(Phase::Activating)), |c| &c.system, State::Working, "Switching"),
    ("system: a queued pull and switch is not yet worked on", |h| pull_switch(h, OpStatus::Queued, None), |c| &c.system, State::Ok, "Gen 48"),
    ("system: pull and switch failed", |h| h.last_system_op = Some(closed(OpAction::PullSwitch, OpStatus::Failed, Some(Outcome::Failed))), |c| &c.system, State::Failed, "Switch failed"),
    ("system: rolling back", |h| h.open_op = Some(op(rollback_to(47), OpStatus::Running)), |c| &c.system, State::Working, "Rolling back to Gen 47"),
    ("system: rollback sent", |h| h.open_op = Some(op(rollback_to(47), OpStatus::Sent)), |c| &c.system, State::Working, "Rollback sent"),
    ("system: switch sent", |h| h.open_op = Some(op(OpAction::Switch, OpStatus::Sent)), |c| &c.system, State::Working, "Switch sent"),
    ("system: a queued rollback is not yet worked on", |h| h.open_op = Some(op(rollback_to(47), OpStatus::Queued)), |c| &c.system, State::Ok, "Gen 48"),
    ("system: went forward", |h| { go_to(h, 48); h.last_system_op = Some(op(forward_to(48), OpStatus::Succeeded)); }, |c| &c.system, State::Ok, "Went forward to Gen 48"),
    ("system: rolled back", |h| { go_to(h, 47); h.last_system_op = Some(op(rollback_to(47), OpStatus::Succeeded)); }, |c| &c.system, State::Ok, "Rolled back to Gen 47"),
    ("system: switched after a rollback", |h| h.last_system_op = Some(op(rollback_to(47), OpStatus::Succeeded)), |c| &c.system, State::Ok, "Gen 48"),
    ("system: switch failed", |h| h.last_system_op = Some(closed(OpAction::Switch, OpStatus::Failed, Some(Outcome::Failed))), |c| &c.system, State::Failed, "Switch failed"),
    ("system: rollback failed", |h| h.last_system_op = Some(closed(rollback_to(47), OpStatus::Failed, Some(Outcome::Failed))), |c| &c.system, State::Failed, "Rollback failed"),
    ("system: rollback timed out", |h| h.last_system_op = Some(closed(rollback_to(47), OpStatus::TimedOut, Some(Outcome::TimedOut))), |c| &c.system, State::Failed, "Rollback failed"),
    ("system: switched by hand after a failure", |h| {
        let mut failed = closed(OpAction::Switch, OpStatus::Failed, Some(Outcome::Failed));
        failed.finished_at = Some(now() - TimeDelta::days(1));
        h.last_system_op = Some(failed);
    }, |c| &c.system, State::Ok, "Gen 48"),
    ("system: units failed", |h| h.facts().failed_units = vec!["display-manager.service".into()], |c| &c.system, State::Failed, "1 unit failed"),
    ("system: never reported", |h| h.facts = None, |c| &c.system, State::Unknown, "Not reported"),
    ("system: runs none of the generations", |h| h.facts().running = Some("/nix/store/x".into()), |c| &c.system, State::Unknown, "Unknown"),
    ("tests: passed", |_| {}, |c| &c.tests, State::Ok, "8/8 passed"),
    ("tests: failed", |h| h.facts().test_runs[0] = test_run(48, 3, 8), |c| &c.tests, State::Failed, "5 of 8 failed"),
    ("tests: not run on this generation", |h| { h.facts().test_runs.remove(0); }, |c| &c.tests, State::Attention, "Not run yet"),
    ("tests: activated since they ran", |h| { go_to(h, 47); h.last_system_op = Some(op(rollback_to(47), OpStatus::Succeeded)); }, |c| &c.tests, State::Attention, "Run again"),
    ("tests: activated by a rollback that took too long", |h| { go_to(h, 47); h.last_system_op = Some(closed(rollback_to(47), OpStatus::TimedOut, Some(Outcome::TimedOut))); }, |c| &c.tests, State::Attention, "Run again"),
    ("tests: activated by a rollback that was lost", |h| { go_to(h, 47); h.last_system_op = Some(closed(rollback_to(47), OpStatus::Lost, None)); }, |c| &c.tests, State::Attention, "Run again"),
    ("tests: activated by a rollback whose runner was killed", |h| { go_to(h, 47); h.last_system_op = Some(closed(rollback_to(47), OpStatus::Failed, Some(Outcome::Failed))); }, |c| &c.tests, State::Attention, "Run again"),
    ("tests: after a rollback that did not reach its target", |h| h.last_system_op = Some(closed(rollback_to(47), OpStatus::TimedOut, Some(Outcome::TimedOut))), |c| &c.tests, State::Ok, "8/8 passed"),
    ("tests: of a generation that is being activated again", |h| { go_to(h, 47); h.open_op = Some(op(rollback_to(47), OpStatus::Running)); }, |c| &c.tests, State::Attention, "Run again"),
    ("tests: of a generation that a rollback is leaving", |h| h.open_op = Some(op(rollback_to(47), OpStatus::Running)), |c| &c.tests, State::Ok, "8/8 passed"),
    ("tests: running", |h| h.open_op = Some(OpView { phase: Some(Phase::Testing { done: 3, total: 8 }), ..op(OpAction::Test, OpStatus::Running) }), |c| &c.tests, State::Working, "Running 3/8"),
    ("tests: none", |h| h.facts().tests_available = 0, |c| &c.tests, State::Unknown, "No tests"),
    ("tests: never reported", |h| h.facts = None, |c| &c.tests, State::Unknown, "Not reported"),
];

fn moved(host: &mut Host) {
    let why = "PR #42 reverted - Pull to get reverted flake.lock.".to_owned();
    host.desired = DesiredState::Moved { commit: Commit("c49".into()), since: now(), why };
}

fn unreadable(host: &mut Host) {
    host.desired = DesiredState::Unreadable { since: now(), reason: "No answer.".into() };
}

#[test]
fn every_row_of_the_table() {
    for (row, change, pick, state, words) in ROWS {
        let mut host = healthy();
        change(&mut host);
        let lights = host.lights();
        let light = pick(&lights);
        assert_eq!((light.state, light.words.as_str()), (*state, *words), "{row}");
        assert!(light.hint.ends_with('.'), "{row}: {:?} is not a sentence", light.hint);
    }
}

#[test]
fn tests_light_names_the_failed_tests() {
    let mut host = healthy();
    host.facts().test_runs[0] = test_run(48, 6, 8);
    assert!(host.lights().tests.hint.contains("t6, t7"));
}

#[test]
fn long_lists_do_not_fill_a_light() {
    let mut host = healthy();
    host.facts().failed_units = (0..320).map(|n| format!("unit-{n}.service")).collect();
    host.facts().test_runs[0] = test_run(48, 0, 40);
    let lights = host.lights();
    assert_eq!(lights.system.words, "320 units failed");
    let units =
        "unit-0.service, unit-1.service, unit-2.service and 317 more. Roll back, or repair and switch.";
    assert_eq!(lights.system.hint, units);
    let tests = "Failed on Gen 48: t0, t1, t2 and 37 more. Roll back to a generation that is known to work.";
    assert_eq!(lights.tests.hint, tests);
    let mut failed = closed(OpAction::Switch, OpStatus::Failed, Some(Outcome::Failed));
    failed.message = Some("error: ".repeat(1000));
    host = Host { last_system_op: Some(failed), ..healthy() };
    assert!(host.lights().system.hint.len() <= 300);
}

#[test]
fn nobody_is_advised_to_do_what_is_being_done() {
    let mut host = healthy();
    host.facts().test_runs[0] = test_run(48, 6, 8);
    host.open_op = Some(op(rollback_to(47), OpStatus::Running));
    assert_eq!(host.lights().tests.hint, "Failed on Gen 48: t6, t7. Rollback to Gen 47 is under way.");
}

#[test]
fn the_ops_of_another_kind_leave_a_light_alone() {
    let mut host = healthy();
    host.open_op = Some(OpView { id: OpId::new(), ..op(OpAction::Refresh, OpStatus::Running) });
    assert_eq!(host.lights(), healthy().lights());
}
