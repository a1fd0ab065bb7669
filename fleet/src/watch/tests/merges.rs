//! Merges open deployments, here and at GitHub.

use backstay_github_stand_in::{Change, Moment};
use backstay_model::{Clock as _, DesiredState};
use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;

use super::{Bench, alone, lock, seen};
use crate::github::LOOKED_THROUGH;
use crate::test_fleet::maria;

#[tokio::test]
async fn a_merge_at_github_opens_a_deployment_and_a_push_opens_none() {
    let bench = Bench::new().await;
    let before = bench.fleet.events().last();
    let update = bench.open("update", "Update flake.lock", lock("2")).await;
    let other = bench.open("printer", "Repair the printer", vec![Change::write("printer", "p")]).await;
    let closed = bench.open("closed", "Update flake.lock, in vain", lock("3")).await;
    bench.read().await;
    bench.stand_in.push("closed", "bob", None).await.unwrap();
    bench.stand_in.commit("main", "bob", "Else", &[Change::write("else", "e")]).await.unwrap();
    bench.read().await;
    assert_eq!(bench.deployed().await, []);
    bench.merge_there(other).await;
    bench.merge_there(update).await;
    bench.read().await;
    bench.read().await;
    assert_eq!(bench.deployed().await, [(update, "@alice".to_owned())], "{closed} and {other} are none");
    let head = bench.stand_in.head("main").await.unwrap().unwrap();
    assert_eq!(bench.fleet.newest_deployment().await.unwrap().unwrap().commit.0, head);
    let missed = bench.fleet.events().subscribe(Some(before)).missed;
    let merged: Vec<_> = missed.iter().filter(|event| event.name == "pr_merged").collect();
    assert_eq!(merged.len(), 1);
    assert!(merged[0].json.contains("merged by @alice"), "{}", merged[0].json);
}

#[tokio::test]
async fn a_merge_that_nobody_saw_open_counts_also_while_the_server_was_down() {
    let bench = Bench::new().await;
    bench.read().await;
    let first = bench.open("first", "Update flake.lock", lock("2")).await;
    bench.merge_there(first).await;
    bench.read().await;
    assert_eq!(
        bench.deployed().await,
        [(first, "@alice".to_owned())],
        "opened and merged between two readings"
    );
    bench.clock.advance(TimeDelta::minutes(1));
    let second = bench.open("second", "Update flake.lock again", lock("3")).await;
    bench.merge_there(second).await;
    bench.again().await.read_github().await.unwrap();
    let deployments = bench.fleet.deployments(None).await.unwrap();
    let decisions: Vec<_> =
        deployments.iter().map(|d| (d.pull_request.number, d.decision.as_str())).collect();
    assert_eq!(decisions, [(second, "open"), (first, "superseded")]);
}

#[tokio::test]
async fn a_merge_from_here_belongs_to_its_person_even_if_a_reading_sees_it_first() {
    let bench = Bench::new().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    let head = alone(&bench.read().await).head.clone();
    let what = format!("pulls/{number}/merge");
    let mut gate = bench.stand_in.gate(Moment::After, move |asked| asked.is("PUT", &what));
    let maria = maria();
    let seen = seen(number, &head);
    let merging = bench.fleet.merge_pull_request(&maria, &seen);
    let looking = async {
        let stopped = gate.stops().await;
        bench.fleet.read_github().await.unwrap();
        assert_eq!(bench.deployed().await, []);
        stopped.let_go();
    };
    let (merged, ()) = tokio::join!(merging, looking);
    assert_eq!(merged.unwrap().merged_by, "maria");
    bench.read().await;
    assert_eq!(bench.deployed().await, [(number, "maria".to_owned())]);
    let DesiredState::Known { commit, .. } = bench.fleet.desired() else { panic!() };
    assert_eq!(Some(commit.0), bench.stand_in.head("main").await.unwrap());
}

#[tokio::test]
async fn a_merge_whose_answer_is_lost_is_found_out_and_is_the_persons() {
    let bench = Bench::new().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    let head = alone(&bench.read().await).head.clone();
    let what = format!("pulls/{number}/merge");
    let mut gate = bench.stand_in.gate(Moment::After, move |asked| asked.is("PUT", &what));
    let maria = maria();
    let seen = seen(number, &head);
    let (merged, ()) = tokio::join!(bench.fleet.merge_pull_request(&maria, &seen), async {
        gate.stops().await.hang_up();
    });
    assert!(merged.unwrap_err().to_string().contains("cannot be reached"));
    Bench::until("deployment", async || !bench.deployed().await.is_empty()).await;
    assert_eq!(bench.deployed().await, [(number, "maria".to_owned())]);
}

#[tokio::test]
async fn a_merge_behind_many_that_changed_later_is_found() {
    let bench = Bench::new().await;
    bench.read().await;
    let mut others = vec![];
    for number in 0..35 {
        let branch = format!("stale-{number}");
        others.push(bench.open(&branch, "Stale", vec![Change::write(&branch, "s")]).await);
        bench.stand_in.push(&branch, "stale-bot", None).await.unwrap();
    }
    bench.clock.advance(TimeDelta::minutes(1));
    bench.read().await;
    // Between two readings, one was merged, and a bot commented on all closed ones.
    bench.clock.advance(TimeDelta::minutes(1));
    let update = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.merge_there(update).await;
    bench.clock.advance(TimeDelta::minutes(1));
    for number in others {
        bench.stand_in.touch(number).await;
    }
    bench.clock.advance(TimeDelta::minutes(1));
    bench.read().await;
    assert_eq!(bench.deployed().await, [(update, "@alice".to_owned())]);
}

#[tokio::test]
async fn an_old_merge_that_somebody_writes_about_opens_no_deployment() {
    let bench = Bench::new().await;
    let old = bench.open("old", "Update flake.lock", lock("2")).await;
    bench.merge_there(old).await;
    for number in 0..31 {
        bench.clock.advance(TimeDelta::minutes(1));
        let branch = format!("stale-{number}");
        bench.open(&branch, "Stale", vec![Change::write(&branch, "s")]).await;
        bench.stand_in.push(&branch, "stale-bot", None).await.unwrap();
    }
    bench.read().await;
    bench.clock.advance(TimeDelta::minutes(1));
    bench.stand_in.touch(old).await;
    bench.read().await;
    assert_eq!(bench.deployed().await, [], "the past is taken for granted");
}

#[tokio::test]
async fn more_closed_pull_requests_than_are_searched_are_told_of() {
    let bench = Bench::new().await;
    bench.read().await;
    let closed = json!({
        "number": 7, "title": "Stale", "html_url": "u", "state": "closed", "user": null,
        "updated_at": bench.clock.now() + TimeDelta::minutes(1),
        "head": { "ref": "stale", "sha": "1" }, "base": { "ref": "main", "sha": "0" },
    });
    let mut gate = bench
        .stand_in
        .gate(Moment::Before, |asked| asked.is("GET", "pulls") && asked.query.contains("state=closed"));
    let page = json!(vec![closed; 30]);
    let mut pages = 0;
    let answering = async {
        loop {
            gate.stops().await.answer(StatusCode::OK, page.clone());
            pages += 1;
        }
    };
    let shown = tokio::select! {
        shown = bench.read() => shown,
        never = answering => never,
    };
    let problem = format!(
        "More than {LOOKED_THROUGH} closed pull requests changed since the last reading. If an earlier one was merged, it \
         has no deployment."
    );
    assert_eq!((shown.problems, pages * 30), (vec![problem], LOOKED_THROUGH));
    drop(gate);
    assert!(bench.read().await.problems.is_empty(), "the next reading saw all that changed since");
}
