use super::*;
use crate::sample::{facts, generation, now, op, rollback_to, test_run};
use crate::{AUTO_TEST, Commit, OpAction, OpStatus};

fn working(facts: &Facts, past: &HostHistory<'_>) -> Option<u32> {
    past.last_known_working(facts).map(|g| g.number)
}

/// The facts of a host that was rolled back from Gen 48, whose tests pass, to Gen 47.
fn rolled_back() -> (Facts, OpView) {
    let mut facts = facts();
    facts.test_runs[0] = test_run(48, 8, 8);
    facts.generations[0].current = false;
    facts.generations[1].current = true;
    facts.running = Some(facts.generations[1].store_path.clone());
    let reason = Some("X11 is dead".to_owned());
    let left = OpView {
        finished_at: Some(now() - TimeDelta::minutes(30)),
        reason,
        ..op(rollback_to(47), OpStatus::Succeeded)
    };
    (facts, left)
}

/// A run in which all tests of a generation pass, `minutes` after it was left, and the op that ran it.
fn passes(number: u32, minutes: i64, by: &str) -> (crate::TestRun, OpView) {
    let at = now() - TimeDelta::minutes(30 - minutes);
    let run = crate::TestRun { started_at: at, finished_at: at, ..test_run(number, 8, 8) };
    let tests = OpView {
        started_at: Some(at),
        finished_at: Some(at),
        requested_by: by.to_owned(),
        ..op(OpAction::Test, OpStatus::Succeeded)
    };
    (run, tests)
}

#[test]
fn last_known_working_is_the_newest_before_that_passed() {
    assert_eq!(working(&facts(), &HostHistory::default()), Some(47));
}

#[test]
fn current_generation_is_never_last_known_working() {
    let mut facts = facts();
    facts.test_runs = vec![test_run(48, 8, 8)];
    assert_eq!(working(&facts, &HostHistory::default()), None);
}

#[test]
fn a_later_failed_run_takes_the_mark_away() {
    let mut facts = facts();
    let mut later = test_run(47, 7, 8);
    later.finished_at += TimeDelta::minutes(10);
    facts.test_runs.push(later);
    assert_eq!(working(&facts, &HostHistory::default()), Some(46));
}

#[test]
fn a_collected_generation_is_not_marked() {
    let mut facts = facts();
    facts.generations[1].present = false;
    assert_eq!(working(&facts, &HostHistory::default()), Some(46));
}

#[test]
fn a_run_of_another_build_with_the_same_number_does_not_count() {
    let mut facts = facts();
    facts.test_runs[1].generation.store_path = "/nix/store/other".into();
    assert_eq!(working(&facts, &HostHistory::default()), Some(46));
}

#[test]
fn a_left_generation_is_a_way_forward_and_not_preselected() {
    let (facts, left) = rolled_back();
    let ops = [left];
    let past = HostHistory { ops: &ops, ..HostHistory::default() };
    let plan = plan("gpc0", true, &facts, &past, None, now()).unwrap();
    assert_eq!(plan.preselected, Some(46));
    let newer = plan.candidate(48).unwrap();
    assert!(newer.newer && !newer.last_known_working);
    assert_eq!(newer.label(), "Go forward to Gen 48");
    let left = newer.left.as_ref().unwrap();
    assert_eq!((left.by.as_str(), left.reason.as_deref()), ("admin", Some("X11 is dead")));
    assert_eq!(plan.candidate(46).unwrap().label(), "Rollback to Gen 46");
}

#[test]
fn a_newer_generation_is_never_last_known_working_though_nobody_left_it() {
    let (mut facts, _) = rolled_back();
    facts.test_runs.retain(|run| run.generation.number == 48);
    let plan = plan("gpc0", true, &facts, &HostHistory::default(), None, now()).unwrap();
    assert!(plan.candidates.iter().all(|c| !c.last_known_working));
    assert_eq!(plan.preselected, Some(46), "the next lower one, although it has no tests");
}

#[test]
fn a_left_generation_stays_excluded_after_a_later_switch() {
    let mut facts = facts();
    let (_, left) = rolled_back();
    let newest = Generation { current: true, ..generation(49, 0) };
    facts.generations[0].current = false;
    facts.generations.insert(0, newest);
    facts.test_runs[0] = test_run(48, 8, 8);
    assert_eq!(working(&facts, &HostHistory::default()), Some(48));
    let ops = [left];
    let past = HostHistory { ops: &ops, ..HostHistory::default() };
    assert_eq!(working(&facts, &past), Some(47));
    let all: Vec<_> = [46, 47].map(|n| OpView { action: leave(n), ..ops[0].clone() }).into();
    let all = [all, ops.to_vec()].concat();
    let past = HostHistory { ops: &all, ..HostHistory::default() };
    let plan = plan("gpc0", true, &facts, &past, None, now()).unwrap();
    assert_eq!(plan.preselected, Some(44), "the newest that nobody left, tested or not");
}

fn leave(number: u32) -> OpAction {
    OpAction::Rollback {
        target: generation(number - 1, 0).reference(),
        seen_current: generation(number, 0).reference(),
        specialisation: None,
    }
}

#[test]
fn only_a_person_whose_tests_pass_clears_a_left_generation() {
    let (mut facts, left) = rolled_back();
    facts.generations[1].current = false;
    facts.generations.insert(0, Generation { current: true, ..generation(49, 0) });
    let working_after = |by: &str, minutes: i64| {
        let (run, tests) = passes(48, minutes, by);
        let (runs, ops) = ([run], [left.clone(), tests]);
        working(&facts, &HostHistory { runs: &runs, ops: &ops, reverted: &[] })
    };
    assert_eq!(working_after(AUTO_TEST, 5), Some(47), "they passed before it was left, too");
    assert_eq!(working_after("maria", -5), Some(47), "before it was left");
    assert_eq!(working_after("maria", 5), Some(48));
}

#[test]
fn a_rollback_that_never_started_leaves_nothing() {
    let (_, left) = rolled_back();
    let is_left =
        |op: OpView| HostHistory { ops: &[op], ..HostHistory::default() }.left(&generation(48, 0)).is_some();
    assert!(is_left(left.clone()));
    assert!(is_left(OpView { status: OpStatus::Failed, ..left.clone() }), "somebody wanted to leave it");
    assert!(!is_left(OpView { status: OpStatus::Cancelled, ..left.clone() }));
    assert!(!is_left(OpView { status: OpStatus::TimedOut, started_at: None, ..left.clone() }));
    let refused = Some(crate::Outcome::Refused);
    assert!(!is_left(OpView { status: OpStatus::Failed, outcome: refused, ..left.clone() }));
    let forward = OpAction::Rollback {
        target: generation(49, 0).reference(),
        seen_current: generation(48, 0).reference(),
        specialisation: None,
    };
    assert!(!is_left(OpView { action: forward, ..left }), "going forward leaves nothing");
}

#[test]
fn a_reverted_generation_is_never_last_known_working() {
    for built in ["c47", "c47-dirty"] {
        let mut facts = facts();
        facts.generations[1].commit = Some(Commit(built.into()));
        let reverted = [Commit("c47".into())];
        let past = HostHistory { reverted: &reverted, ..HostHistory::default() };
        assert_eq!(working(&facts, &past), Some(46), "{built}");
        let plan = plan("gpc0", true, &facts, &past, None, now()).unwrap();
        assert!(plan.candidate(47).unwrap().reverted && !plan.candidate(46).unwrap().reverted);
    }
}

#[test]
fn runs_that_the_agent_forgot_still_count() {
    let mut facts = facts();
    facts.test_runs.clear();
    let mut later = test_run(47, 7, 8);
    later.finished_at += TimeDelta::minutes(10);
    let runs = [test_run(47, 8, 8), test_run(46, 8, 8), later];
    let past = HostHistory { runs: &runs, ..HostHistory::default() };
    assert_eq!(working(&facts, &past), Some(46));
    let plan = plan("gpc0", true, &facts, &past, None, now()).unwrap();
    assert_eq!(plan.candidate(47).unwrap().tests.unwrap().to_string(), "7/8");
}

#[test]
fn plan_of_the_broken_host() {
    let plan = plan("gpc0", true, &facts(), &HostHistory::default(), None, now()).unwrap();
    assert_eq!(plan.current.generation.number, 48);
    assert_eq!(plan.current.tests.unwrap().to_string(), "3/8");
    assert_eq!(plan.preselected, Some(47));
    let shown: Vec<_> = plan
        .candidates
        .iter()
        .map(|c| (c.generation.number, c.last_known_working, is_old(c), c.unavailable_reason()))
        .collect();
    assert_eq!(
        shown,
        [
            (47, true, false, None),
            (46, false, false, None),
            (45, false, false, Some("garbage-collected")),
            (44, false, true, None),
        ]
    );
}

#[test]
fn without_tests_the_next_lower_present_one_is_preselected() {
    let mut facts = facts();
    facts.test_runs.clear();
    facts.generations[1].present = false;
    assert_eq!(
        plan("gpc0", true, &facts, &HostHistory::default(), None, now()).unwrap().preselected,
        Some(46)
    );
}

fn is_old(candidate: &Candidate) -> bool {
    candidate.marks.contains(&"older than 30 days".to_owned())
}

#[test]
fn thirty_days_are_not_old_yet() {
    let mut facts = facts();
    facts.generations[1].created_at = now() - TimeDelta::days(30);
    facts.generations[2].created_at = now() - TimeDelta::days(30) - TimeDelta::seconds(1);
    let plan = plan("gpc0", true, &facts, &HostHistory::default(), None, now()).unwrap();
    assert!(!is_old(plan.candidate(47).unwrap()));
    assert!(is_old(plan.candidate(46).unwrap()));
}

#[test]
fn checks() {
    let facts = facts();
    let g = |n| generation(n, 0).reference();
    let other = |n| GenerationRef { number: n, store_path: "/nix/store/other".into() };
    assert_eq!(check(&facts, &g(47), &g(48), None), Ok(()));
    assert_eq!(check(&facts, &g(44), &g(48), None), Ok(()), "an old one gets a warning, not a refusal");
    assert_eq!(check(&facts, &g(46), &g(47), None), Err(Refusal::CurrentChanged { seen: g(47), is: g(48) }));
    assert_eq!(
        check(&facts, &g(47), &other(48), None),
        Err(Refusal::CurrentChanged { seen: other(48), is: g(48) })
    );
    assert_eq!(check(&facts, &g(48), &g(48), None), Err(Refusal::AlreadyCurrent(g(48))));
    assert_eq!(check(&facts, &g(12), &g(48), None), Err(Refusal::TargetGone(g(12))));
    assert_eq!(check(&facts, &other(47), &g(48), None), Err(Refusal::TargetChanged(other(47))));
    assert_eq!(check(&facts, &g(45), &g(48), None), Err(Refusal::Collected(g(45))));
}

#[test]
fn a_target_without_the_active_specialisation_says_so() {
    let mut facts = facts();
    facts.specialisation = Some("gaming".to_owned());
    facts.generations[1].specialisations = vec!["gaming".to_owned()];
    let plan = plan("gpc0", true, &facts, &HostHistory::default(), None, now()).unwrap();
    assert_eq!(plan.specialisation.as_deref(), Some("gaming"));
    assert_eq!(plan.specialisations().into_iter().collect::<Vec<_>>(), ["gaming"]);
    assert!(!plan.candidate(47).unwrap().marks.contains(&"without gaming".to_owned()));
    assert!(plan.candidate(46).unwrap().marks.contains(&"without gaming".to_owned()));
    let warning = "“gaming” is active now. Gen 46 has no such specialisation, so Gen 46 itself runs.";
    assert!(plan.candidate(46).unwrap().warnings.contains(&warning.to_owned()));
    let g = |n| generation(n, 0).reference();
    assert_eq!(check(&facts, &g(47), &g(48), Some("gaming")), Ok(()));
    assert_eq!(
        check(&facts, &g(46), &g(48), Some("gaming")),
        Err(Refusal::NoSpecialisation(g(46), "gaming".to_owned()))
    );
}

/// Facts after a rollback to Gen 47 stopped half-way: the profile points at it, Gen 48 still runs.
fn half_done() -> Facts {
    let mut facts = facts();
    facts.generations[0].current = false;
    facts.generations[1].current = true;
    facts
}

#[test]
fn a_half_done_activation_may_be_retried() {
    let mut facts = half_done();
    let g = |n| generation(n, 0).reference();
    assert_eq!(check(&facts, &g(47), &g(47), None), Ok(()));
    assert_eq!(check(&facts, &g(48), &g(47), None), Ok(()), "back to the running one");
    facts.running = None;
    assert_eq!(check(&facts, &g(47), &g(47), None), Ok(()), "nothing shows that it is running");
    facts.running = Some(g(47).store_path);
    assert_eq!(check(&facts, &g(47), &g(47), None), Err(Refusal::AlreadyCurrent(g(47))));
}

#[test]
fn the_profiles_generation_is_offered_while_another_one_runs() {
    let numbers = |plan: &RollbackPlan| -> Vec<_> {
        plan.candidates.iter().map(|c| (c.generation.number, c.finishes_activation())).collect()
    };
    let mut facts = half_done();
    let plan_of = |facts: &Facts| plan("gpc0", true, facts, &HostHistory::default(), None, now()).unwrap();
    let plan = plan_of(&facts);
    assert_eq!(numbers(&plan), [(48, false), (47, true), (46, false), (45, false), (44, false)]);
    assert_eq!((plan.current.generation.number, plan.preselected), (47, Some(47)));

    // One that was never tested, for example after `nixos-rebuild boot`, is offered but not preselected.
    facts.test_runs.retain(|run| run.generation.number != 47);
    let plan = plan_of(&facts);
    assert!(plan.candidate(47).unwrap().finishes_activation());
    assert_eq!(plan.preselected, Some(46));

    facts.running = Some(generation(47, 0).store_path);
    assert!(plan_of(&facts).candidate(47).is_none());
}

#[test]
fn every_refusal_says_that_nothing_was_changed() {
    let g = generation(47, 0).reference();
    for refusal in [
        Refusal::CurrentChanged { seen: g.clone(), is: g.clone() },
        Refusal::NoCurrent,
        Refusal::TargetGone(g.clone()),
        Refusal::TargetChanged(g.clone()),
        Refusal::Collected(g.clone()),
        Refusal::AlreadyCurrent(g),
    ] {
        assert!(refusal.to_string().contains("Nothing was changed"), "{refusal}");
    }
}

/// The profile points at itself or at a store path: the running generation is left, and the way back works.
#[test]
fn a_host_whose_profile_is_broken_can_be_rolled_back() {
    let mut facts = facts();
    facts.generations[0].current = false;
    let plan = plan("gpc0", true, &facts, &HostHistory::default(), None, now()).unwrap();
    assert_eq!((plan.current.generation.number, plan.preselected), (48, Some(47)));
    let reference = |number: u32| generation(number, 0).reference();
    assert_eq!(check(&facts, &reference(47), &reference(48), None), Ok(()));
    assert_eq!(check(&facts, &reference(48), &reference(48), None), Ok(()), "which repairs the profile");
    facts.running = None;
    assert_eq!(check(&facts, &reference(47), &reference(48), None), Err(Refusal::NoCurrent));
}

#[test]
fn a_short_revision_of_a_reverted_commit_is_reverted() {
    let reverted = [Commit("07f74d4be34a2bd1b4b6e4f6e2c31d3dba9c0a11".into())];
    let past = HostHistory { reverted: &reverted, ..HostHistory::default() };
    for (built, is_reverted) in
        [("07f74d4", true), ("07f74d4-dirty", true), ("b45f6cd", false), ("dirty", false)]
    {
        let generation = Generation { commit: Some(Commit(built.into())), ..generation(47, 1) };
        assert_eq!(past.is_reverted(&generation), is_reverted, "{built}");
    }
}

#[test]
fn a_move_to_a_newer_generation_goes_forward() {
    let [old, new] = [47, 48].map(|number| generation(number, 0).reference());
    assert_eq!(done_words(&new, &old, None), "Rolled back to Gen 47");
    assert_eq!(done_words(&old, &new, None), "Went forward to Gen 48");
    assert_eq!(done_words(&old, &old, None), "Rolled back to Gen 47", "which completes an activation");
}

#[test]
fn the_usual_duration_is_the_median_of_the_latest_that_succeeded() {
    let took = |minutes_ago: i64, seconds: i64, status| {
        let finished = now() - TimeDelta::minutes(minutes_ago);
        OpView {
            started_at: Some(finished - TimeDelta::seconds(seconds)),
            finished_at: Some(finished),
            ..op(rollback_to(47), status)
        }
    };
    let usual = |ops: &[OpView]| HostHistory { ops, ..HostHistory::default() }.usual_rollback();
    assert_eq!(usual(&[]), None);
    let mut ops = vec![
        took(10, 70, OpStatus::Succeeded),
        took(20, 900, OpStatus::TimedOut),
        took(30, 60, OpStatus::Succeeded),
        took(40, 80, OpStatus::Succeeded),
    ];
    assert_eq!(usual(&ops), Some(TimeDelta::seconds(70)));
    ops.extend((50..60).map(|minutes| took(minutes, 5, OpStatus::Succeeded)));
    assert_eq!(usual(&ops), Some(TimeDelta::seconds(60)), "only the latest five count");
}

#[test]
fn a_target_of_the_same_commit_is_pointed_out() {
    let mut facts = facts();
    let commit = facts.generations[0].commit.clone();
    facts.generations[1].commit = commit;
    let plan = plan("gpc0", true, &facts, &HostHistory::default(), None, now()).unwrap();
    let same: Vec<_> = plan
        .candidates
        .iter()
        .filter(|c| c.marks.contains(&"same commit as the current one".to_owned()))
        .map(|c| c.generation.number)
        .collect();
    assert_eq!(same, [47]);
}
