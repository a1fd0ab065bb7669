use backstay_model::sample::{self, generation, now};

use super::*;

/// Facts with the profile on `current` while `running` runs.
fn facts(current: u32, running: u32) -> Facts {
    let generations = [48, 47].map(|n| Generation { current: n == current, ..generation(n, 0) });
    Facts {
        running: Some(generation(running, 0).store_path),
        checkout: Some(sample::checkout("c48")),
        tests_available: 8,
        ..sample::facts_of(generations.into())
    }
}

fn rollback() -> OpAction {
    sample::rollback_to(47)
}

fn result(outcome: Outcome) -> OpResult {
    sample::op_result(outcome, "As the agent said.", now())
}

fn judge(action: &OpAction, outcome: Outcome, facts: &Facts) -> (OpStatus, String) {
    let verdict = verify_outcome(action, &result(outcome), facts);
    (verdict.status, verdict.message)
}

#[test]
fn what_an_agent_says_beside_its_success_is_kept() {
    let said = "Rolled back to Gen 47. 10 lines of output are missing: the disk did not take them.";
    for (message, kept) in [(said, said), ("Rolled back to Gen 47.", "Rolled back to Gen 47")] {
        let result = OpResult { message: message.into(), ..result(Outcome::Completed) };
        assert_eq!(verify_outcome(&rollback(), &result, &facts(47, 47)).message, kept);
    }
}

#[test]
fn a_rollback_to_a_newer_generation_went_forward_whatever_an_old_agent_calls_it() {
    let [target, seen_current] = [48, 47].map(|number| sample::generation(number, 0).reference());
    let forward = OpAction::Rollback { target, seen_current, specialisation: None };
    for (message, kept) in [
        ("Rolled back to Gen 48.", "Went forward to Gen 48"),
        ("Rolled back to Gen 48. 10 lines are missing.", "Went forward to Gen 48. 10 lines are missing."),
        ("Went forward to Gen 48. 10 lines are missing.", "Went forward to Gen 48. 10 lines are missing."),
    ] {
        let result = OpResult { message: message.into(), ..result(Outcome::Completed) };
        assert_eq!(verify_outcome(&forward, &result, &facts(48, 48)).message, kept);
    }
}

#[test]
fn a_rollback_to_a_specialisation_succeeds_only_where_that_one_runs() {
    let [target, seen_current] = [47, 48].map(|number| sample::generation(number, 0).reference());
    let specialisation = Some("gaming".to_owned());
    let special = OpAction::Rollback { target, seen_current, specialisation: specialisation.clone() };
    let itself = facts(47, 47);
    let gaming = Facts { specialisation, ..facts(47, 47) };
    let succeeded = (OpStatus::Succeeded, "Rolled back to Gen 47 (gaming)".to_owned());
    assert_eq!(judge(&special, Outcome::Completed, &gaming), succeeded);
    for (action, runs, why) in [
        (&special, &itself, "Gen 47 runs, not Gen 47 (gaming)."),
        (&rollback(), &gaming, "Gen 47 (gaming) runs, not Gen 47."),
    ] {
        let (status, message) = judge(action, Outcome::Completed, runs);
        assert_eq!(status, OpStatus::Failed);
        assert!(message.ends_with(why), "{message}");
    }
}

#[test]
fn a_rollback_succeeds_only_where_the_target_is_current_and_runs() {
    let (status, message) = judge(&rollback(), Outcome::Completed, &facts(47, 47));
    assert_eq!((status, message.as_str()), (OpStatus::Succeeded, "Rolled back to Gen 47"));
    for (current, running) in [(48, 48), (48, 47), (47, 48)] {
        let (status, message) = judge(&rollback(), Outcome::Completed, &facts(current, running));
        assert_eq!(status, OpStatus::Failed, "current {current}, running {running}");
        assert!(message.starts_with("Goal not met: "), "{message}");
    }
}

#[test]
fn a_failed_activation_is_failed_although_the_target_runs() {
    let (status, message) = judge(&rollback(), Outcome::Failed, &facts(47, 47));
    assert_eq!((status, message.as_str()), (OpStatus::Failed, "As the agent said."));
}

#[test]
fn a_switch_has_to_run_what_the_checkout_says() {
    assert_eq!(judge(&OpAction::Switch, Outcome::Completed, &facts(48, 48)).0, OpStatus::Succeeded);
    assert_eq!(judge(&OpAction::Switch, Outcome::Completed, &facts(47, 47)).0, OpStatus::Failed);
    assert_eq!(judge(&OpAction::Switch, Outcome::Completed, &facts(48, 47)).0, OpStatus::Failed);
    let mut dirty = facts(48, 48);
    dirty.generations[0].commit = Some(Commit("c48-dirty".into()));
    assert_eq!(judge(&OpAction::Switch, Outcome::Completed, &dirty).0, OpStatus::Succeeded);
}

#[test]
fn a_switch_to_the_same_files_runs_what_the_checkout_says() {
    let tree = |name: &str| Some(Commit(name.into()));
    for (built, checked_out, status) in [
        (tree("t"), tree("t"), OpStatus::Succeeded),
        (tree("t"), tree("u"), OpStatus::Failed),
        (None, None, OpStatus::Failed),
    ] {
        let mut facts = facts(48, 48);
        facts.generations[0].tree = built;
        let checkout = facts.checkout.as_mut().unwrap();
        (checkout.commit, checkout.tree) = (Commit("a revert".into()), checked_out);
        assert_eq!(judge(&OpAction::Switch, Outcome::Completed, &facts).0, status);
    }
}

#[test]
fn a_pull_and_switch_has_to_run_what_was_pulled() {
    for (pulled, running, status) in
        [("c48", 48, OpStatus::Succeeded), ("c49", 48, OpStatus::Failed), ("c48", 47, OpStatus::Failed)]
    {
        let result = OpResult { commit: Some(Commit(pulled.into())), ..result(Outcome::Completed) };
        let verdict = verify_outcome(&OpAction::PullSwitch, &result, &facts(48, running));
        assert_eq!(verdict.status, status, "{}", verdict.message);
    }
}

#[test]
fn every_outcome_closes_the_op() {
    for (outcome, status) in [
        (Outcome::Failed, OpStatus::Failed),
        (Outcome::Refused, OpStatus::Failed),
        (Outcome::TimedOut, OpStatus::TimedOut),
        (Outcome::Cancelled, OpStatus::Cancelled),
    ] {
        assert_eq!(judge(&OpAction::Test, outcome, &facts(48, 48)).0, status);
    }
}

#[test]
fn validators() {
    let known = facts(48, 48);
    assert_eq!(validate(&rollback(), Some(&known)), Ok(()));
    assert_eq!(validate(&rollback(), None), Err(Blocked::NoFacts));
    assert!(matches!(validate(&rollback(), Some(&facts(47, 47))), Err(Blocked::Rollback(_))));
    assert_eq!(validate(&OpAction::Refresh, None), Ok(()));
    let bare = Facts { checkout: None, tests_available: 0, ..known };
    assert!(matches!(validate(&OpAction::Pull, Some(&bare)), Err(Blocked::NoCheckout(_))));
    assert_eq!(validate(&OpAction::Test, Some(&bare)), Err(Blocked::NoTests));
}

#[test]
fn every_op_has_a_timeout() {
    for kind in OpKind::ALL {
        assert!(of(kind).timeout > Duration::ZERO, "{kind}");
    }
}

const FULL: &str = "07f74d4be34a2bd1b4b6e4f6e2c31d3dba9c0a11";

/// A host whose checkout is at [`FULL`] and whose current generation records this commit.
fn built_as(recorded: &str) -> Facts {
    let mut facts = facts(48, 48);
    facts.generations[0].commit = Some(Commit(recorded.into()));
    facts.checkout.as_mut().unwrap().commit = Commit(FULL.into());
    facts
}

#[test]
fn a_switch_whose_build_records_its_commit_in_another_form_has_met_its_goal() {
    let changed = format!("{FULL}-dirty");
    for recorded in [FULL, "07f74d4", "07f74d4be3", "07f74d4-dirty", &changed, "dirty"] {
        let (status, message) = judge(&OpAction::Switch, Outcome::Completed, &built_as(recorded));
        assert_eq!(status, OpStatus::Succeeded, "{recorded}: {message}");
    }
    for recorded in ["b45f6cd", "b45f6cd-dirty", "b45f6cdbe34a2bd1b4b6e4f6e2c31d3dba9c0a11"] {
        let (status, message) = judge(&OpAction::Switch, Outcome::Completed, &built_as(recorded));
        assert_eq!(status, OpStatus::Failed, "{recorded}");
        assert!(message.contains("was built from b45f6cd, not from the checkout's 07f74d4"), "{message}");
    }
}

#[test]
fn a_switch_that_builds_another_flake_is_not_held_against_the_checkout() {
    let flake = Some("github:you/nixcfg#gpc0".to_owned());
    let facts = Facts { switch_flake: flake.clone(), ..built_as("b45f6cd") };
    assert_eq!(judge(&OpAction::Switch, Outcome::Completed, &facts).0, OpStatus::Succeeded);
    let bare = Facts { checkout: None, ..facts };
    assert_eq!(validate(&OpAction::Switch, Some(&bare)), Ok(()), "it needs no checkout");
    assert_eq!(judge(&OpAction::Switch, Outcome::Completed, &bare).0, OpStatus::Succeeded);
    assert!(validate(&OpAction::Pull, Some(&bare)).is_err(), "a pull does");
}

#[test]
fn a_host_without_checkout_is_told_where_it_should_be() {
    let no = |why: Option<&str>| NoCheckout { path: "/etc/nixos".into(), why: why.map(str::to_owned) };
    for (no_checkout, words) in [
        (Some(no(None)), "no git checkout at /etc/nixos"),
        (Some(no(Some("Permission denied"))), "at /etc/nixos cannot be read: Permission denied"),
        (None, "reports no checkout"),
    ] {
        let bare = Facts { checkout: None, no_checkout, ..facts(48, 48) };
        let blocked = validate(&OpAction::Switch, Some(&bare)).unwrap_err().to_string();
        assert!(blocked.contains(words) && blocked.contains("Nothing was changed"), "{blocked}");
    }
}
