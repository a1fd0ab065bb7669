//! When requests go to GitHub, and how many.

use std::time::Duration;

use backstay_github_stand_in::{Away, Change, Moment};
use backstay_model::deployment::Decision;
use backstay_model::pull_request::{Mergeable, Reading};
use backstay_model::{Clock as _, DesiredState};
use chrono::TimeDelta;

use super::{Bench, alone, lock, seen};
use crate::deployments::RevertRequest;
use crate::test_fleet::maria;

#[tokio::test]
async fn a_reading_that_finds_nothing_new_costs_nothing_and_tells_nobody() {
    let bench = Bench::new().await;
    bench.open("update", "Update flake.lock", lock("2")).await;
    let first = bench.read().await;
    assert_eq!(alone(&first).mergeable, Mergeable::Yes);
    // The list names the trial merge that reading the pull request has caused.
    bench.read().await;
    let (used, asked, told) = (bench.stand_in.rate_used(), bench.asked(), bench.fleet.events().last());
    bench.clock.advance(TimeDelta::minutes(5));
    let second = bench.read().await;
    assert_eq!(second.reading, Reading::Known { read_at: bench.clock.now() });
    assert_eq!(bench.stand_in.rate_used(), used, "all of it was “as it was”");
    let statuses: Vec<_> = bench.stand_in.requests()[asked..].iter().map(|asked| asked.status).collect();
    assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == Some(304)), "{statuses:?}");
    assert_eq!(bench.fleet.events().last(), told);

    // A push costs only the requests for what is new, and no lock file is read twice.
    bench.stand_in.commit("main", "bob", "Else", &[Change::write("else", "e")]).await.unwrap();
    let before = bench.asked();
    bench.read().await;
    let requests = bench.stand_in.requests();
    let locks: Vec<_> =
        requests[before..].iter().filter(|asked| asked.what == "contents/flake.lock").collect();
    assert_eq!(locks.len(), 1, "the branch's own: {locks:?}");
}

#[tokio::test]
async fn github_is_left_alone_while_the_limit_is_reached() {
    let bench = Bench::new().await;
    bench.open("update", "Update flake.lock", lock("2")).await;
    bench.read().await;
    bench.stand_in.limit_rate(60, 60, bench.clock.now() + TimeDelta::minutes(10));
    let limited = bench.read().await;
    let since = bench.clock.now();
    let reason = "GitHub takes no more requests before 12:10 UTC.".to_owned();
    assert_eq!(limited.reading, Reading::Unreadable { since, reason: reason.clone() });
    assert_eq!(limited.open.len(), 1, "what was read stays");
    let asked = bench.asked();
    bench.clock.advance(TimeDelta::minutes(9));
    assert_eq!(bench.read().await.reading, Reading::Unreadable { since, reason });
    assert_eq!(bench.asked(), asked, "no request was sent in between");
    let DesiredState::Unreadable { since: branch_since, reason } = bench.fleet.desired() else { panic!() };
    assert_eq!(branch_since, since);
    assert_eq!(
        reason,
        "Could not be read since 2026-01-04 12:00 UTC. GitHub takes no more requests before 12:10 UTC."
    );
    bench.clock.advance(TimeDelta::minutes(1));
    assert!(matches!(bench.read().await.reading, Reading::Known { .. }));
    assert!(matches!(bench.fleet.desired(), DesiredState::Known { .. }));
}

#[tokio::test]
async fn no_request_is_sent_during_a_rate_limit() {
    let bench = Bench::new().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    let head = alone(&bench.read().await).head.clone();
    let merged = bench.fleet.merge_pull_request(&maria(), &seen(number, &head)).await.unwrap();
    let later = bench.open("later", "Update flake.lock again", lock("3")).await;
    let later_head = bench.head_of(later).await;
    bench.read().await;
    bench.stand_in.limit_rate(60, 60, bench.clock.now() + TimeDelta::minutes(10));
    bench.read().await;
    let asked = bench.asked();
    let said = bench.refused_merge(later, &later_head).await;
    assert!(said.contains("GitHub takes no more requests before 12:10 UTC."), "{said}");
    let error =
        bench.fleet.revert_pull_request(&maria(), merged.id, RevertRequest::default()).await.unwrap_err();
    assert!(error.to_string().contains("takes no more requests before 12:10 UTC"), "{error}");
    assert_eq!(bench.asked(), asked);
    assert_eq!(bench.fleet.deployment(merged.id).await.unwrap().unwrap().decision, Decision::Open);
}

#[tokio::test]
async fn since_when_github_is_away_stays_and_back_is_good_again() {
    let bench = Bench::new().await;
    bench.read().await;
    let known = bench.fleet.desired();
    bench.stand_in.go_away(Away::Refused).await;
    let since = bench.clock.now();
    for _ in 0..2 {
        let Reading::Unreadable { since: told, reason } = bench.read().await.reading else { panic!() };
        assert_eq!(told, since);
        assert!(reason.starts_with("GitHub cannot be reached"), "{reason}");
        let DesiredState::Unreadable { since: told, .. } = bench.fleet.desired() else { panic!() };
        assert_eq!(told, since);
        bench.clock.advance(TimeDelta::minutes(1));
    }
    bench.stand_in.come_back().unwrap();
    assert!(matches!(bench.read().await.reading, Reading::Known { .. }));
    let (DesiredState::Known { commit, tree, .. }, DesiredState::Known { commit: now, tree: tree_now, .. }) =
        (known, bench.fleet.desired())
    else {
        panic!()
    };
    assert_eq!((commit, tree), (now, tree_now));
}

#[tokio::test]
async fn who_asks_at_once_shares_one_reading_that_begins_afterwards() {
    let bench = Bench::new().await;
    bench.read().await;
    let mut gate = bench.stand_in.gate(Moment::After, |asked| asked.is("GET", "commits/main"));
    let first = bench.fleet.read_github();
    let others = async {
        let stopped = gate.stops().await;
        // The first reading has its answer: later callers need another.
        bench.stand_in.commit("main", "bob", "Else", &[Change::write("else", "e")]).await.unwrap();
        let crowd: Vec<_> = (0..20)
            .map(|_| {
                let fleet = bench.fleet.clone();
                tokio::spawn(async move { fleet.read_github().await })
            })
            .collect();
        tokio::task::yield_now().await;
        stopped.let_go();
        gate.stops().await.let_go();
        for reading in crowd {
            reading.await.unwrap().unwrap();
        }
    };
    let (read, ()) = tokio::join!(first, others);
    read.unwrap();
    let DesiredState::Known { commit, .. } = bench.fleet.desired() else { panic!() };
    assert_eq!(Some(commit.0), bench.stand_in.head("main").await.unwrap());
    let readings = bench.stand_in.requests().iter().filter(|asked| asked.what == "commits/main").count();
    assert_eq!(readings, 3, "one before, the first, and one for all others");
}

#[tokio::test]
async fn hints_without_number_come_to_a_few_readings() {
    let bench = Bench::new().await;
    let count = || bench.stand_in.requests().iter().filter(|asked| asked.what == "commits/main").count();
    let fleet = bench.fleet.clone();
    let following = tokio::spawn(async move { fleet.follow_github(Duration::from_hours(1)).await });
    Bench::until("first reading", async || count() == 1).await;
    for _ in 0..1000 {
        bench.fleet.hint_from_github();
    }
    Bench::until("reading for the hints", async || count() == 2).await;
    bench.stand_in.commit("main", "bob", "Else", &[Change::write("else", "e")]).await.unwrap();
    bench.fleet.hint_from_github();
    let head = bench.stand_in.head("main").await.unwrap().unwrap();
    let follows =
        async || matches!(bench.fleet.desired(), DesiredState::Known { commit, .. } if commit.0 == head);
    Bench::until("new head", follows).await;
    assert!(count() <= 4, "{}", count());
    following.abort();
}

#[tokio::test]
async fn github_is_asked_soon_again_while_it_finds_out() {
    let bench = Bench::new().await;
    bench.open("update", "Update flake.lock", lock("2")).await;
    bench.stand_in.mergeability_is_unknown(1).await;
    assert_eq!(alone(&bench.read().await).mergeable, Mergeable::Unknown);
    let fleet = bench.fleet.clone();
    bench.stand_in.mergeability_is_unknown(1).await;
    let following = tokio::spawn(async move { fleet.follow_github(Duration::from_hours(1)).await });
    let is_known = async || bench.fleet.pull_requests().open[0].mergeable == Mergeable::Yes;
    Bench::until("answer", is_known).await;
    following.abort();
}

#[tokio::test]
async fn the_lights_turn_before_the_branch_is_read_again() {
    let bench = Bench::new().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    let head = alone(&bench.read().await).head.clone();
    let mut gate = bench.stand_in.gate(Moment::Before, |asked| asked.is("GET", "commits/main"));
    let merged = bench.fleet.merge_pull_request(&maria(), &seen(number, &head)).await.unwrap();
    let DesiredState::Moved { commit, why, .. } = bench.fleet.desired() else { panic!() };
    assert_eq!((commit, why.as_str()), (merged.commit.clone(), "PR #1 merged by maria. Pull."));
    gate.stops().await.let_go();
    let is_read = async || matches!(bench.fleet.desired(), DesiredState::Known { .. });
    Bench::until("reading", is_read).await;

    // A reading that started before the revert does not hide it.
    let reading = bench.fleet.read_github();
    let reverting = async {
        let stopped = gate.stops().await;
        let reverted =
            bench.fleet.revert_pull_request(&maria(), merged.id, RevertRequest::default()).await.unwrap();
        stopped.let_go();
        reverted
    };
    let (read, reverted) = tokio::join!(reading, reverting);
    read.unwrap();
    let Decision::Reverted { commit, .. } = reverted.decision else { panic!("{reverted:?}") };
    assert_eq!(bench.fleet.desired().head(), Some(&commit));
    drop(gate);
}
