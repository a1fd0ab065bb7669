use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::OpKind;
use crate::rollout::RolloutHost;
use crate::{OpAction, sample};

fn rollout(names: &[&str], parallel: u32, stop_on_failure: bool) -> Rollout {
    let host = |name: &&str| RolloutHost::waiting(HostId::new(), (*name).to_owned(), OpAction::PullSwitch);
    let hosts = names.iter().map(host).collect();
    Rollout { parallel, stop_on_failure, ..sample::rollout(OpKind::PullSwitch, hosts) }
}

fn four() -> Rollout {
    rollout(&["gpc0", "imac0", "hsb0", "csb0"], 2, true)
}

fn id(rollout: &Rollout, host: usize) -> HostId {
    rollout.hosts[host].host
}

#[test]
fn hosts_start_in_order_as_slots_become_free() {
    let mut rollout = four();
    let start = |rollout: &Rollout, hosts: &[usize]| {
        hosts.iter().map(|&host| Next::Start(id(rollout, host))).collect::<Vec<_>>()
    };
    assert_eq!(rollout.next(|_| false, |_| true), start(&rollout, &[0, 1]));
    rollout.hosts[0].step = RolloutStep::Testing { op: OpId::new() };
    rollout.hosts[1].step = RolloutStep::Running { op: OpId::new() };
    assert_eq!(rollout.next(|_| false, |_| true), []);
    rollout.hosts[0].step = RolloutStep::Ok { op: OpId::new() };
    assert_eq!(rollout.next(|_| false, |_| true), start(&rollout, &[2]));
}

#[test]
fn a_paused_roll_out_starts_nothing_and_still_stops_after_a_failure() {
    let mut rollout = Rollout { paused_at: Some(sample::now()), ..four() };
    let queued = OpId::new();
    rollout.hosts[1].step = RolloutStep::Running { op: queued };
    assert_eq!(rollout.next(|op| op == queued, |_| true), []);
    assert_eq!(rollout.next_state(|op| op == queued), None);
    rollout.hosts[0].step = RolloutStep::Failed { op: None, why: "x".into(), in_tests: false };
    let state = rollout.next_state(|op| op == queued).unwrap();
    let stopping = Rollout { state, ..rollout };
    assert!(!stopping.is_paused());
    assert_eq!(stopping.next(|op| op == queued, |_| true).len(), 3, "the others are skipped or withdrawn");
}

#[test]
fn it_pauses_after_the_first_hosts_that_something_was_done_on() {
    let mut rollout = Rollout { pause_after: Some(1), ..four() };
    let (away, queued) = (id(&rollout, 0), OpId::new());
    let next = |rollout: &Rollout| rollout.next(|op| op == queued, |host| host != away);
    assert_eq!(next(&rollout), [Next::Start(away), Next::Start(id(&rollout, 1))]);
    rollout.hosts[0].step = RolloutStep::Running { op: queued };
    rollout.hosts[1].step = RolloutStep::Testing { op: OpId::new() };
    assert_eq!(next(&rollout), [], "a slot is free, but the pause comes first");
    assert!(!rollout.pauses_now(|op| op == queued), "its tests are still running");
    rollout.hosts[1].step = RolloutStep::Ok { op: OpId::new() };
    assert!(rollout.pauses_now(|op| op == queued));
    let resumed = Rollout { pause_after: None, ..rollout.clone() };
    assert_eq!(next(&resumed), [Next::Start(id(&resumed, 2)), Next::Start(id(&resumed, 3))]);
    let paused = Rollout { paused_at: Some(sample::now()), ..rollout.clone() };
    assert!(!paused.pauses_now(|op| op == queued), "it is paused already");
    let mut all = Rollout { pause_after: Some(4), ..rollout };
    for host in &mut all.hosts {
        host.step = RolloutStep::Ok { op: OpId::new() };
    }
    assert!(!all.pauses_now(|_| false), "nothing is left to wait");
}

#[test]
fn an_offline_host_holds_no_slot_and_receives_its_op_when_one_is_free() {
    let mut rollout = rollout(&["gpc0", "imac0"], 1, true);
    let (away, op) = (id(&rollout, 0), OpId::new());
    assert_eq!(rollout.next(|_| false, |host| host != away).len(), 2);
    rollout.hosts[0].step = RolloutStep::Running { op };
    rollout.hosts[1].step = RolloutStep::Running { op: OpId::new() };
    assert_eq!(rollout.next(|it| it == op, |_| true), [], "the other holds the only slot");
    rollout.hosts[1].step = RolloutStep::Ok { op: OpId::new() };
    assert_eq!(rollout.next(|it| it == op, |_| false), []);
    assert_eq!(rollout.next(|it| it == op, |_| true), [Next::Send(away, op)]);
    assert_eq!(rollout.next_state(|it| it == op), None, "it waits for the host");
}

#[test]
fn the_first_failure_stops_hosts_that_were_not_started() {
    let mut rollout = four();
    let queued = OpId::new();
    rollout.hosts[0].step = RolloutStep::Ok { op: OpId::new() };
    rollout.hosts[1].step = RolloutStep::Failed { op: None, why: "Tests FAIL (x11)".into(), in_tests: true };
    rollout.hosts[2].step = RolloutStep::Running { op: queued };
    let why = "imac0: Tests FAIL (x11)".to_owned();
    assert_eq!(rollout.next_state(|_| false), Some(RolloutState::Stopping { why: why.clone() }));
    rollout.state = RolloutState::Stopping { why: why.clone() };
    let next = rollout.next(|op| op == queued, |_| true);
    let skip = Next::Skip(id(&rollout, 3), format!("stopped: {why}"));
    assert_eq!(next, [Next::Cancel(id(&rollout, 2), queued), skip]);
    assert_eq!(rollout.next_state(|_| false), None, "running hosts finish");
    rollout.hosts[2].step = RolloutStep::Ok { op: queued };
    rollout.hosts[3].step = RolloutStep::Skipped { why: String::new() };
    rollout.state = rollout.next_state(|_| false).unwrap();
    assert_eq!(rollout.state, RolloutState::Stopped { why });
    assert_eq!(rollout.summary(Some("PR #42")), "Roll-out of PR #42 stopped: imac0: Tests FAIL (x11)");
}

#[test]
fn a_failure_that_leaves_nothing_to_stop_stops_nothing() {
    let mut rollout = rollout(&["gpc0", "imac0"], 2, true);
    rollout.hosts[0].step =
        RolloutStep::Failed { op: None, why: "the build ended with 1".into(), in_tests: false };
    rollout.hosts[1].step = RolloutStep::Running { op: OpId::new() };
    assert_eq!(rollout.next_state(|_| false), None);
    rollout.hosts[1].step = RolloutStep::Ok { op: OpId::new() };
    assert_eq!(rollout.next_state(|_| false), Some(RolloutState::Done));
    let summary = "1 of 2 hosts pulled and switched; failed on 1: gpc0 (the build ended with 1)";
    assert_eq!(rollout.summary(Some("PR #42")), summary);
}

#[test]
fn a_host_whose_tests_failed_was_switched_all_the_same() {
    let mut rollout = rollout(&["gpc0", "hsb0", "imac0", "hsb1", "csb0", "csb1"], 2, false);
    let failed = |why: &str, in_tests| RolloutStep::Failed { op: None, why: why.into(), in_tests };
    let steps = [
        RolloutStep::Ok { op: OpId::new() },
        failed("Tests FAIL (gpu)", true),
        failed("Tests FAIL (x11)", true),
        failed("its tests did not run", true),
        failed("Tests FAIL (ntp)", true),
        failed("the build ended with 1", false),
    ];
    for (host, step) in rollout.hosts.iter_mut().zip(steps) {
        host.step = step;
    }
    rollout.state = RolloutState::Done;
    assert_eq!(
        rollout.summary(None),
        "5 of 6 hosts pulled and switched; failed on 1: csb1 (the build ended with 1); \
         tests failed on 4: hsb0 (gpu), imac0 (x11), hsb1 (its tests did not run) and 1 more"
    );
    rollout.kind = OpKind::Test;
    rollout.hosts.truncate(2);
    rollout.hosts[1].step = failed("Tests FAIL (gpu)", false);
    assert_eq!(rollout.summary(None), "1 of 2 hosts passed their tests; failed on 1: hsb0 (gpu)");
}

#[test]
fn without_stop_on_failure_it_continues() {
    let mut rollout = rollout(&["gpc0", "imac0"], 1, false);
    rollout.hosts[0].step = RolloutStep::Failed { op: None, why: "x".into(), in_tests: false };
    assert_eq!(rollout.next_state(|_| false), None);
    assert_eq!(rollout.next(|_| false, |_| true), [Next::Start(id(&rollout, 1))]);
}

#[test]
fn the_end_of_an_op_decides_the_hosts_step() {
    let (op, tests) = (OpId::new(), OpId::new());
    let running = RolloutStep::Running { op };
    let testing = RolloutStep::Testing { op: tests };
    let failed = |op, why: &str| RolloutStep::Failed { op: Some(op), why: why.into(), in_tests: op == tests };
    for (step, ended, follow, after) in [
        (&running, OpEnd::Succeeded, Some(tests), testing.clone()),
        (&running, OpEnd::Succeeded, None, RolloutStep::Ok { op }),
        (&running, OpEnd::Failed("x".into()), None, failed(op, "x")),
        (&running, OpEnd::NeverStarted("away".into()), None, RolloutStep::Skipped { why: "away".into() }),
        (&testing, OpEnd::Succeeded, None, RolloutStep::Ok { op: tests }),
        (&testing, OpEnd::Succeeded, Some(op), RolloutStep::Ok { op: tests }),
        (&testing, OpEnd::Failed("x".into()), None, failed(tests, "x")),
        (&testing, OpEnd::NeverStarted("away".into()), None, failed(tests, "its tests did not run")),
    ] {
        assert_eq!(step.after(ended.clone(), follow), Some(after), "{step:?} {ended:?}");
    }
    assert_eq!(RolloutStep::Waiting.after(OpEnd::Succeeded, None), None);
    assert_eq!(RolloutStep::Ok { op }.after(OpEnd::Failed("x".into()), None), None);
}

#[test]
fn names_are_those_of_the_wire() {
    let op = OpId::new();
    let why = String::new;
    for step in [
        RolloutStep::Waiting,
        RolloutStep::Running { op },
        RolloutStep::Testing { op },
        RolloutStep::Ok { op },
        RolloutStep::Failed { op: None, why: why(), in_tests: false },
        RolloutStep::Skipped { why: why() },
    ] {
        assert_eq!(serde_json::to_value(&step).unwrap()["step"], step.as_str());
    }
    let states = [
        RolloutState::Running,
        RolloutState::Stopping { why: why() },
        RolloutState::Done,
        RolloutState::Stopped { why: why() },
    ];
    for state in &states {
        assert_eq!(serde_json::to_value(state).unwrap()["state"], state.as_str());
        for from in state.predecessors() {
            let from = states.iter().find(|it| it.as_str() == *from).unwrap();
            assert!(from.is_open(), "nothing follows {}", from.as_str());
        }
    }
}

/// A fleet with a roll-out: hosts come and go, and ops end in any way.
struct Fleet {
    rollout: Rollout,
    connected: HashSet<HostId>,
    queued: HashSet<OpId>,
    begun: HashMap<HostId, u32>,
    begun_at_its_end: Option<usize>,
}

impl Fleet {
    fn step(&mut self, host: HostId, step: RolloutStep) {
        self.rollout.hosts.iter_mut().find(|it| it.host == host).unwrap().step = step;
    }

    /// Carries out next actions until there are none, as the server would.
    fn settle(&mut self) {
        loop {
            let queued = self.queued.clone();
            if let Some(state) = self.rollout.next_state(|op| queued.contains(&op)) {
                self.rollout.state = state;
            }
            if self.rollout.pauses_now(|op| queued.contains(&op)) {
                // A person resumes it.
                self.rollout.pause_after = None;
            }
            let connected = self.connected.clone();
            let next = self.rollout.next(|op| queued.contains(&op), |host| connected.contains(&host));
            if next.is_empty() {
                break;
            }
            for next in next {
                self.carry_out(next);
            }
            self.holds_its_promises();
        }
        if self.rollout.state != RolloutState::Running {
            self.begun_at_its_end.get_or_insert(self.begun.len());
        }
    }

    fn carry_out(&mut self, next: Next) {
        match next {
            Next::Start(host) => {
                let op = OpId::new();
                *self.begun.entry(host).or_default() += 1;
                assert_eq!(self.rollout.state, RolloutState::Running, "nothing starts after a stop");
                if !self.connected.contains(&host) {
                    self.queued.insert(op);
                }
                self.step(host, RolloutStep::Running { op });
            }
            Next::Send(_, op) => assert!(self.queued.remove(&op)),
            Next::Cancel(host, op) => {
                assert!(self.queued.remove(&op));
                self.step(host, RolloutStep::Skipped { why: "cancelled".into() });
            }
            Next::Skip(host, why) => self.step(host, RolloutStep::Skipped { why }),
        }
    }

    fn holds_its_promises(&self) {
        let held = self.rollout.hosts.iter().filter(|host| match host.step {
            RolloutStep::Running { op } => !self.queued.contains(&op),
            RolloutStep::Testing { .. } => true,
            _ => false,
        });
        let held = held.count();
        assert!(held <= self.rollout.parallel as usize);
        let done = self.rollout.succeeded() + self.rollout.failures().count();
        let first = self.rollout.pause_after.map_or(usize::MAX, |first| first as usize);
        assert!(held + done <= first.max(done), "the pause comes first");
        assert!(self.begun.values().all(|times| *times == 1));
    }

    fn event(&mut self, host: usize, what: u8) {
        let host = host % self.rollout.hosts.len();
        let (id, step) = (self.rollout.hosts[host].host, self.rollout.hosts[host].step.clone());
        match what {
            0 => drop(self.connected.insert(id)),
            1 => drop(self.connected.remove(&id)),
            _ => {
                if step.op().is_none_or(|op| self.queued.contains(&op)) {
                    return;
                }
                let ended = match what {
                    2 | 3 => OpEnd::Succeeded,
                    _ => OpEnd::Failed("x".into()),
                };
                let tests = (what == 2).then(OpId::new);
                if let Some(after) = step.after(ended, tests) {
                    self.step(id, after);
                }
            }
        }
        self.settle();
    }
}

proptest! {
    /// In whatever order hosts come, go and finish: never more than allowed work at once, none starts twice
    /// or after a stop, and once every host is connected and every op has ended, the roll-out has ended.
    #[test]
    fn whatever_happens_it_keeps_its_promises_and_ends(
        hosts in 1_usize..8,
        parallel in 1_u32..5,
        stop_on_failure: bool,
        pause_after in proptest::option::of(1_u32..5),
        away in 0_usize..256,
        events in proptest::collection::vec((0_usize..8, 0_u8..5), 0..60),
    ) {
        let names: Vec<_> = (0..hosts).map(|n| format!("h{n}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let rollout = Rollout { pause_after, ..rollout(&names, parallel, stop_on_failure) };
        let connected = (0..hosts).filter(|n| away >> n & 1 == 0).map(|n| rollout.hosts[n].host).collect();
        let mut fleet = Fleet {
            rollout, connected, queued: HashSet::new(), begun: HashMap::new(), begun_at_its_end: None,
        };
        fleet.settle();
        for (host, what) in events {
            fleet.event(host, what);
        }
        let begun = fleet.begun.len();
        prop_assert!(fleet.begun_at_its_end.is_none_or(|at| at == begun), "nothing starts after a stop");
        // Two rounds per host are enough: one for its op, one for its tests.
        for _ in 0..2 * hosts {
            for host in 0..hosts {
                fleet.event(host, 0);
                fleet.event(host, 3);
            }
        }
        prop_assert!(!fleet.rollout.state.is_open(), "{:?}", fleet.rollout);
        let failed = fleet.rollout.failures().count();
        if let RolloutState::Stopped { .. } = fleet.rollout.state {
            prop_assert!(stop_on_failure && failed > 0);
        }
        if failed == 0 {
            prop_assert_eq!(fleet.rollout.succeeded(), hosts);
        }
    }
}
