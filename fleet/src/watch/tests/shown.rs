//! What the page shows of open pull requests.

use backstay_github_stand_in::{Change, Check, CommitStatus, Moment, NewPullRequest};
use backstay_model::pull_request::{Inputs, Mergeable, Reading};
use backstay_model::wire::event::Event;
use chrono::TimeDelta;
use http::StatusCode;

use super::{Bench, alone, lock};

#[tokio::test]
async fn open_updates_are_shown_with_what_they_change() {
    let bench = Bench::new().await;
    assert_eq!(bench.fleet.pull_requests().reading, Reading::NotYet);
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.open("printer", "Repair the printer", vec![Change::write("printer", "p")]).await;
    let head = bench.stand_in.head("update").await.unwrap().unwrap();
    let checks =
        vec![Check::ended("build", "success"), Check::ended("x11", "failure"), Check::running("slow")];
    bench.stand_in.set_checks(&head, checks).await;
    // The branch moves, which does not change the pull request.
    bench.stand_in.commit("main", "bob", "Another", &lock("9")).await.unwrap();

    let shown = bench.read().await;
    assert_eq!((shown.repository.as_str(), shown.branch.as_str()), ("example/nixcfg", "main"));
    assert!(shown.problems.is_empty(), "{:?}", shown.problems);
    let update = alone(&shown);
    assert_eq!(
        (update.number, update.title.as_str(), update.author.as_str()),
        (number, "Update flake.lock", "update-bot")
    );
    assert_eq!(update.head.0, head);
    assert!(update.url.ends_with(&format!("/pull/{number}")));
    let Inputs::Known { changes } = &update.inputs else { panic!("{update:?}") };
    assert_eq!(changes.len(), 1, "{changes:?}");
    let pins = (changes[0].from.as_ref().unwrap(), changes[0].to.as_ref().unwrap());
    assert_eq!((pins.0.revision.as_str(), pins.1.revision.as_str()), (&*"1".repeat(40), &*"2".repeat(40)));
    assert_eq!((update.checks.passed, update.checks.running), (1, 1));
    assert_eq!(update.checks.failed, ["x11"]);
    // Both sides changed the lock file.
    assert_eq!(update.mergeable, Mergeable::No { reason: "It conflicts with main.".into() });
    assert_eq!(bench.fleet.snapshot().await.unwrap().pull_requests, shown);
}

#[tokio::test]
async fn checks_that_the_token_may_not_read_hide_nothing_else() {
    let bench = Bench::new().await;
    bench.open("update", "Update flake.lock", lock("2")).await;
    let head = bench.stand_in.head("update").await.unwrap().unwrap();
    let status = CommitStatus { context: "hydra".into(), state: "success".into() };
    bench.stand_in.set_statuses(&head, vec![status]).await;
    let mut gate = bench.stand_in.gate(Moment::Before, |asked| asked.what.ends_with("/check-runs"));
    let said = "Resource not accessible by personal access token";
    let (shown, ()) = tokio::join!(bench.read(), async {
        gate.stops().await.answer(StatusCode::FORBIDDEN, serde_json::json!({ "message": said }));
    });
    assert_eq!(alone(&shown).checks.passed, 1);
    assert!(shown.problems[0].contains("not all shown"), "{shown:?}");
    drop(gate);
    assert!(bench.read().await.problems.is_empty());
}

#[tokio::test]
async fn an_update_behind_a_hundred_other_pull_requests_is_shown() {
    let bench = Bench::new().await;
    let update = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.stand_in.commit("many", "bob", "Much", &[Change::write("much", "m")]).await.unwrap();
    let much = bench.stand_in.head("many").await.unwrap().unwrap();
    for number in 0..101 {
        bench.clock.advance(TimeDelta::seconds(1));
        let branch = format!("many-{number}");
        bench.stand_in.push(&branch, "bob", Some(&much)).await.unwrap();
        let new = NewPullRequest { commits: vec![], ..NewPullRequest::new(branch, "Something", vec![]) };
        bench.stand_in.open_pull_request(new).await.unwrap();
    }
    assert_eq!(alone(&bench.read().await).number, update);
}

#[tokio::test]
async fn pages_hear_of_what_has_changed() {
    let bench = Bench::new().await;
    bench.read().await;
    let before = bench.fleet.events().last();
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.read().await;
    let missed = bench.fleet.events().subscribe(Some(before)).missed;
    assert_eq!(missed.iter().map(|event| event.name).collect::<Vec<_>>(), ["pull_requests"]);
    let event: Event = serde_json::from_str(&missed[0].json).unwrap();
    let Event::PullRequests { pull_requests } = event else { panic!("{event:?}") };
    assert_eq!(alone(&pull_requests).number, number);
}
