use super::*;
use crate::sample::{facts, generation, now, test_run};

#[test]
fn last_known_working_is_the_newest_other_that_passed() {
    assert_eq!(last_known_working(&facts()).map(|g| g.number), Some(47));
}

#[test]
fn current_generation_is_never_last_known_working() {
    let mut facts = facts();
    facts.test_runs = vec![test_run(48, 8, 8)];
    assert_eq!(last_known_working(&facts), None);
}

#[test]
fn a_later_failed_run_takes_the_mark_away() {
    let mut facts = facts();
    let mut later = test_run(47, 7, 8);
    later.finished_at += TimeDelta::minutes(10);
    facts.test_runs.push(later);
    assert_eq!(last_known_working(&facts).map(|g| g.number), Some(46));
}

#[test]
fn a_collected_generation_is_not_marked() {
    let mut facts = facts();
    facts.generations[1].present = false;
    assert_eq!(last_known_working(&facts).map(|g| g.number), Some(46));
}

#[test]
fn a_run_of_another_build_with_the_same_number_does_not_count() {
    let mut facts = facts();
    facts.test_runs[1].generation.store_path = "/nix/store/other".into();
    assert_eq!(last_known_working(&facts).map(|g| g.number), Some(46));
}

#[test]
fn plan_of_the_broken_host() {
    let plan = plan("gpc0", true, &facts(), None, now()).unwrap();
    assert_eq!(plan.current.generation.number, 48);
    assert_eq!(plan.current.tests.unwrap().to_string(), "3/8");
    assert_eq!(plan.preselected, Some(47));
    let shown: Vec<_> = plan
        .candidates
        .iter()
        .map(|c| (c.generation.number, c.last_known_working, c.old, c.unavailable()))
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
    assert_eq!(plan("gpc0", true, &facts, None, now()).unwrap().preselected, Some(46));
}

#[test]
fn thirty_days_are_not_old_yet() {
    let mut facts = facts();
    facts.generations[1].created_at = now() - TimeDelta::days(30);
    facts.generations[2].created_at = now() - TimeDelta::days(30) - TimeDelta::seconds(1);
    let plan = plan("gpc0", true, &facts, None, now()).unwrap();
    assert!(!plan.candidate(47).unwrap().old);
    assert!(plan.candidate(46).unwrap().old);
}

#[test]
fn checks() {
    let facts = facts();
    let g = |n| generation(n, 0).reference();
    let other = |n| GenerationRef { number: n, store_path: "/nix/store/other".into() };
    assert_eq!(check(&facts, &g(47), &g(48)), Ok(()));
    assert_eq!(check(&facts, &g(44), &g(48)), Ok(()), "an old one is warned of, not refused");
    assert_eq!(check(&facts, &g(46), &g(47)), Err(Refusal::CurrentChanged { seen: g(47), is: g(48) }));
    assert_eq!(
        check(&facts, &g(47), &other(48)),
        Err(Refusal::CurrentChanged { seen: other(48), is: g(48) })
    );
    assert_eq!(check(&facts, &g(48), &g(48)), Err(Refusal::AlreadyCurrent(g(48))));
    assert_eq!(check(&facts, &g(12), &g(48)), Err(Refusal::TargetGone(g(12))));
    assert_eq!(check(&facts, &other(47), &g(48)), Err(Refusal::TargetChanged(other(47))));
    assert_eq!(check(&facts, &g(45), &g(48)), Err(Refusal::Collected(g(45))));
}

/// Facts after a rollback to Gen 47 stopped half-way: the profile points at it, Gen 48 still runs.
fn half_done() -> Facts {
    let mut facts = facts();
    facts.generations[0].current = false;
    facts.generations[1].current = true;
    facts
}

#[test]
fn what_was_left_half_done_may_be_tried_again() {
    let mut facts = half_done();
    let g = |n| generation(n, 0).reference();
    assert_eq!(check(&facts, &g(47), &g(47)), Ok(()));
    assert_eq!(check(&facts, &g(48), &g(47)), Ok(()), "back to what runs");
    facts.running = None;
    assert_eq!(check(&facts, &g(47), &g(47)), Ok(()), "nothing says that it runs");
    facts.running = Some(g(47).store_path);
    assert_eq!(check(&facts, &g(47), &g(47)), Err(Refusal::AlreadyCurrent(g(47))));
}

#[test]
fn the_profiles_generation_is_offered_while_another_one_runs() {
    let numbers = |plan: &RollbackPlan| -> Vec<_> {
        plan.candidates.iter().map(|c| (c.generation.number, c.finishes())).collect()
    };
    let mut facts = half_done();
    let plan_of = |facts: &Facts| plan("gpc0", true, facts, None, now()).unwrap();
    let plan = plan_of(&facts);
    assert_eq!(numbers(&plan), [(48, false), (47, true), (46, false), (45, false), (44, false)]);
    assert_eq!((plan.current.generation.number, plan.preselected), (47, Some(47)));

    // One that was never tested, as after `nixos-rebuild boot`, is offered and not preselected.
    facts.test_runs.retain(|run| run.generation.number != 47);
    let plan = plan_of(&facts);
    assert!(plan.candidate(47).unwrap().finishes());
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
