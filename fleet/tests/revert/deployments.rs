//! The story of a pull request that broke the fleet: merged, rolled out, reverted, and published throughout.

use std::sync::Arc;
use std::time::Duration;

use backstay_fleet::accounts::{Actor, SessionPolicy, WaysIn};
use backstay_fleet::deployments::{DeployError, RevertRequest, SeenPullRequest};
use backstay_fleet::github::{GitHubError, MergeMethod};
use backstay_fleet::store::sqlite::SqliteStore;
use backstay_fleet::store::{Client, NewAuditEntry, NewSession, Store, TokenHash, UserRecord};
use backstay_fleet::{Fleet, FleetConfig, Retention};
use backstay_github_stand_in::{
    Away, Change, Moment, NewPullRequest, Permission, Protection, ProtectionKind, TOKEN,
};
use backstay_model::deployment::{Decision, Deployment};
use backstay_model::view::AuditQuery;
use backstay_model::{Clock as _, NotAllowed, Role, SessionId, SystemClock};

use crate::bench::Bench;

struct Story {
    bench: Bench,
    store: Arc<dyn Store>,
    fleet: Fleet,
    maria: Actor,
    _folder: tempfile::TempDir,
}

impl Story {
    /// Pull request 42 is open.
    async fn begin() -> Self {
        let bench = Bench::start().await;
        bench.commit("One", &[Change::write("flake.lock", "old\n")]).await;
        bench.open("update", &[Change::write("flake.lock", "new\n")]).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backstay.db");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path.to_str().unwrap()).await.unwrap());
        let fleet = fleet(&bench, &store);
        let maria = actor(&fleet, &store, "maria", Role::Operator).await;
        Self { bench, store, fleet, maria, _folder: folder }
    }

    async fn merge(&self) -> Deployment {
        self.fleet.merge_pull_request(&self.maria, &self.seen(42).await).await.unwrap()
    }

    /// The pull request as it is now.
    async fn seen(&self, number: u64) -> SeenPullRequest {
        let head = self.bench.github.pull_request(number).await.unwrap().head.sha;
        SeenPullRequest { number, head, is_looked_at: false, then_roll_out: false }
    }

    async fn decision(&self, deployment: &Deployment) -> Decision {
        self.fleet.deployment(deployment.id).await.unwrap().unwrap().decision
    }

    async fn audited(&self) -> Vec<String> {
        let entries = self.store.audit(&AuditQuery::default(), 100).await.unwrap();
        entries
            .into_iter()
            .rev()
            .map(|entry| entry.action)
            .filter(|action| action.starts_with("pr."))
            .collect()
    }
}

/// A person with a session.
async fn actor(fleet: &Fleet, store: &Arc<dyn Store>, name: &str, role: Role) -> Actor {
    let user = UserRecord { name: name.into(), password_hash: String::new(), role };
    let now = SystemClock.now();
    store.put_user(&user, &NewAuditEntry::new(now, "console", "user.set", "")).await.unwrap();
    let session = NewSession {
        token: TokenHash::of(name),
        id: SessionId::new(),
        user: name.into(),
        password_hash: String::new(),
        provider_session: None,
        client: Client::default(),
        replaces: None,
        created_at: now,
        expires_at: now + chrono::TimeDelta::days(1),
    };
    let login = NewAuditEntry::new(now, name, "login", "");
    assert!(store.insert_session(&session, &login).await.unwrap());
    fleet.accounts().session(name).await.unwrap().unwrap()
}

/// Another server on the same store.
fn fleet(bench: &Bench, store: &Arc<dyn Store>) -> Fleet {
    Fleet::new(FleetConfig {
        server_version: "0.1.0".into(),
        store: Arc::clone(store),
        clock: Arc::new(SystemClock),
        queue_time: Duration::from_hours(1),
        retention: Retention::default(),
        sessions: SessionPolicy::default(),
        ways_in: WaysIn::default(),
        master_key: None,
        github: Some(bench.github.clone()),
    })
}

fn entry() -> NewAuditEntry {
    NewAuditEntry::new(SystemClock.now(), "maria", "pr.revert-requested", "")
}

/// Waits until background work has this effect.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), wait).await.unwrap_or_else(|_| panic!("no {what}"));
}

#[tokio::test]
async fn a_pull_request_is_merged_and_reverted_and_everybody_hears() {
    let story = Story::begin().await;
    let before = story.fleet.events().last();
    let deployment = story.merge().await;
    assert_eq!((deployment.pull_request.number, &deployment.decision), (42, &Decision::Open));
    assert_eq!(story.bench.head().await, deployment.commit.0);
    let reverted =
        story.fleet.revert_pull_request(&story.maria, deployment.id, RevertRequest::default()).await.unwrap();
    let Decision::Reverted { by, commit, .. } = &reverted.decision else { panic!("{reverted:?}") };
    assert_eq!((by.as_str(), &story.bench.head().await), ("maria", &commit.0));
    assert_eq!(story.bench.git.say(&["show", "main:flake.lock"]), "old");
    let heard = story.fleet.events().subscribe(Some(before)).missed;
    // Readings of GitHub publish events too, at their own times.
    let of_deployments = |name: &&str| *name != "pull_requests";
    let names: Vec<_> = heard.iter().map(|event| event.name).filter(of_deployments).collect();
    let merge = ["deployment", "pr_merged", "notice"];
    let revert = ["deployment", "deployment", "pr_reverted", "notice"];
    assert_eq!(names, [&merge[..], &revert[..]].concat());
    assert_eq!(story.audited().await, ["pr.merged", "pr.revert-requested", "pr.reverted"]);
}

#[tokio::test]
async fn a_merged_pull_request_is_off_every_page_at_once() {
    let story = Story::begin().await;
    let open = || story.fleet.pull_requests().open.iter().map(|open| open.number).collect::<Vec<_>>();
    story.fleet.read_github().await.unwrap();
    assert_eq!(open(), [42]);
    story.merge().await;
    assert!(open().is_empty(), "before GitHub was read again");
}

#[tokio::test]
async fn of_two_clicks_one_counts() {
    let story = Story::begin().await;
    let deployment = story.merge().await;
    let other = actor(&story.fleet, &story.store, "otto", Role::Operator).await;
    let (one, two) = tokio::join!(
        story.fleet.revert_pull_request(&story.maria, deployment.id, RevertRequest::default()),
        story.fleet.revert_pull_request(&other, deployment.id, RevertRequest::default())
    );
    let refused = [one, two].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert!(matches!(refused.as_slice(), [DeployError::Decided(_)]), "{refused:?}");
    assert_eq!(story.bench.reverts(), 1);
}

#[tokio::test]
async fn a_revert_that_cannot_be_made_leaves_the_deployment_as_it_was() {
    let story = Story::begin().await;
    let deployment = story.merge().await;
    story.bench.commit("Same place", &[Change::write("flake.lock", "newer\n")]).await;
    let error = story
        .fleet
        .revert_pull_request(&story.maria, deployment.id, RevertRequest::default())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("touch the same lines"), "{error}");
    assert_eq!(story.decision(&deployment).await, Decision::Open);
    assert_eq!(story.audited().await.last().unwrap(), "pr.revert-failed");
}

#[tokio::test]
async fn a_revert_that_a_crash_interrupted_is_taken_up() {
    let story = Story::begin().await;
    let deployment = story.merge().await;
    let mut gate = story.bench.stand_in.gate(Moment::After, |asked| asked.is("PATCH", "git/refs/heads/main"));
    let revert = story.fleet.revert_pull_request(&story.maria, deployment.id, RevertRequest::default());
    tokio::select! {
        _ = revert => panic!("it should have been interrupted"),
        stopped = gate.stops() => {
            // The next server finds the deployment unchanged.
            assert!(matches!(story.decision(&deployment).await, Decision::Reverting { .. }));
            drop(gate);
            fleet(&story.bench, &story.store).resume_reverts().await.unwrap();
            drop(stopped);
        }
    }
    assert!(matches!(story.decision(&deployment).await, Decision::Reverted { .. }));
    assert_eq!(story.bench.reverts(), 1);
    story.bench.no_scratch_branch();
}

#[tokio::test]
async fn a_revert_that_is_taken_up_waits_for_github() {
    let story = Story::begin().await;
    let deployment = story.merge().await;
    let mut gate = story.bench.stand_in.gate(Moment::Before, |asked| asked.is("POST", "merges"));
    let revert = story.fleet.revert_pull_request(&story.maria, deployment.id, RevertRequest::default());
    tokio::select! {
        _ = revert => panic!("it should have been interrupted"),
        stopped = gate.stops() => {
            story.bench.stand_in.go_away(Away::Unavailable).await;
            let next = fleet(&story.bench, &story.store);
            let resumed = tokio::spawn(async move { next.resume_reverts().await });
            let asked = story.bench.stand_in.requests().len();
            let tries = async {
                while story.bench.stand_in.requests().len() < asked + 2 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(Duration::from_mins(2), tries).await.expect("it does not ask again");
            assert!(matches!(story.decision(&deployment).await, Decision::Reverting { .. }));
            // The aborted task belongs to the server that is gone.
            drop(gate);
            std::mem::forget(stopped);
            story.bench.stand_in.come_back().unwrap();
            resumed.await.unwrap().unwrap();
        }
    }
    assert!(matches!(story.decision(&deployment).await, Decision::Reverted { .. }));
    assert_eq!(story.bench.reverts(), 1);
    story.bench.no_scratch_branch();
}

#[tokio::test]
async fn who_may_not_merges_and_reverts_nothing() {
    let story = Story::begin().await;
    let viewer = actor(&story.fleet, &story.store, "eve", Role::Viewer).await;
    let merged = story.fleet.merge_pull_request(&viewer, &story.seen(42).await).await;
    assert!(matches!(merged, Err(DeployError::NotAllowed(NotAllowed::Role(Role::Operator)))));
    let deployment = story.merge().await;
    let reverted = story.fleet.revert_pull_request(&viewer, deployment.id, RevertRequest::default()).await;
    assert!(matches!(reverted, Err(DeployError::NotAllowed(_))));
    let continued = story.fleet.continue_anyway(&viewer, deployment.id).await;
    assert!(matches!(continued, Err(DeployError::NotAllowed(_))));
}

#[tokio::test]
async fn a_merge_that_github_refuses_opens_no_deployment() {
    let story = Story::begin().await;
    let seen = story.seen(42).await;
    story.bench.stand_in.permit(TOKEN, Permission::Read);
    let merged = story.fleet.merge_pull_request(&story.maria, &seen).await;
    assert!(
        matches!(merged, Err(DeployError::NotMerged { error: GitHubError::Forbidden(_), .. })),
        "{merged:?}"
    );
    assert!(story.fleet.deployments(None).await.unwrap().is_empty());
    assert!(story.audited().await.is_empty());
}

#[tokio::test]
async fn a_revert_that_failed_brings_back_what_was_decided_before() {
    let story = Story::begin().await;
    let deployment = story.merge().await;
    let continued = story.fleet.continue_anyway(&story.maria, deployment.id).await.unwrap().decision;
    story.bench.stand_in.go_away(Away::Unavailable).await;
    story.fleet.revert_pull_request(&story.maria, deployment.id, RevertRequest::default()).await.unwrap_err();
    assert_eq!(story.decision(&deployment).await, continued);
    story.bench.stand_in.come_back().unwrap();
    story.bench.stand_in.protect("main", Some(Protection::pull_requests(ProtectionKind::Ruleset))).await;
    let proposed = story
        .fleet
        .revert_pull_request(&story.maria, deployment.id, RevertRequest::default())
        .await
        .unwrap()
        .decision;
    let Decision::Proposed { pull_request, .. } = &proposed else { panic!("{proposed:?}") };
    story.bench.stand_in.go_away(Away::Unavailable).await;
    story.fleet.revert_pull_request(&story.maria, deployment.id, RevertRequest::default()).await.unwrap_err();
    assert_eq!(story.decision(&deployment).await, proposed);
    // Therefore the proposal is recognised when somebody merges it.
    story.bench.stand_in.come_back().unwrap();
    story.bench.stand_in.protect("main", None).await;
    let head = story.bench.github.pull_request(pull_request.number).await.unwrap().head.sha;
    story.bench.github.merge(pull_request.number, &head, MergeMethod::Merge).await.unwrap();
    story.fleet.read_github().await.unwrap();
    assert!(matches!(story.decision(&deployment).await, Decision::Reverted { .. }));
}

#[tokio::test]
async fn one_whose_revert_failed_after_a_later_merge_is_superseded() {
    let story = Story::begin().await;
    let deployment = story.merge().await;
    let stand_in = &story.bench.stand_in;
    let mut gate = stand_in.gate(Moment::Before, |asked| asked.is("POST", "merges"));
    let reverting = story.fleet.revert_pull_request(&story.maria, deployment.id, RevertRequest::default());
    let merging = async {
        let stopped = gate.stops().await;
        let changes = vec![Change::write("flake.lock", "newer\n")];
        let later = NewPullRequest::new("later", "Update flake.lock again", changes);
        let number = stand_in.open_pull_request(later).await.unwrap();
        story.fleet.merge_pull_request(&story.maria, &story.seen(number).await).await.unwrap();
        assert!(matches!(story.decision(&deployment).await, Decision::Reverting { .. }));
        stopped.answer(http::StatusCode::CONFLICT, serde_json::json!({ "message": "Merge conflict" }));
    };
    let (reverted, ()) = tokio::join!(reverting, merging);
    assert!(reverted.unwrap_err().to_string().contains("touch the same lines"));
    assert_eq!(story.decision(&deployment).await, Decision::Superseded);
}

#[tokio::test]
async fn a_lost_answer_to_the_move_of_the_branch_is_found_out_without_a_restart() {
    for moment in [Moment::Before, Moment::After] {
        let story = Story::begin().await;
        let deployment = story.merge().await;
        let mut gate = story.bench.stand_in.gate(moment, |asked| asked.is("PATCH", "git/refs/heads/main"));
        let reverting =
            story.fleet.revert_pull_request(&story.maria, deployment.id, RevertRequest::default());
        let (reverted, ()) = tokio::join!(reverting, async {
            gate.stops().await.hang_up();
            drop(gate);
        });
        let said = reverted.unwrap_err().to_string();
        assert!(said.contains("did not say whether it moved main"), "{said}");
        until("revert", async || matches!(story.decision(&deployment).await, Decision::Reverted { .. }))
            .await;
        assert_eq!(story.bench.reverts(), 1, "{moment:?}");
        assert!(!story.audited().await.contains(&"pr.revert-failed".to_owned()));
    }
}

#[tokio::test]
async fn a_revert_that_is_stuck_is_taken_up_at_the_next_look_at_github() {
    let story = Story::begin().await;
    let deployment = story.merge().await;
    // As after a crash or a full disk: recorded, but not under way.
    let decision = Decision::Reverting {
        by: "maria".into(),
        at: SystemClock.now(),
        before: Box::new(Decision::Open),
        reason: None,
    };
    story.store.decide(deployment.id, &decision, &entry()).await.unwrap().unwrap();
    let fleet = story.fleet.clone();
    let following = tokio::spawn(async move { fleet.follow_github(Duration::from_hours(1)).await });
    until("revert", async || matches!(story.decision(&deployment).await, Decision::Reverted { .. })).await;
    following.abort();
    assert_eq!(story.bench.reverts(), 1);
}

#[tokio::test]
async fn a_scratch_branch_that_could_not_be_removed_is_removed_later() {
    let story = Story::begin().await;
    let deployment = story.merge().await;
    let scratch = "git/refs/heads/backstay/scratch-revert-42";
    let mut gate = story.bench.stand_in.gate(Moment::Before, move |asked| asked.is("DELETE", scratch));
    let reverting = story.fleet.revert_pull_request(&story.maria, deployment.id, RevertRequest::default());
    let (reverted, ()) = tokio::join!(reverting, async {
        // The first removes a possible leftover of an earlier attempt.
        gate.stops().await.let_go();
        gate.stops().await.answer(http::StatusCode::BAD_GATEWAY, serde_json::json!({}));
        drop(gate);
    });
    reverted.unwrap();
    until("removal", async || {
        story.fleet.read_github().await.unwrap();
        story.bench.stand_in.head("backstay/scratch-revert-42").await.unwrap().is_none()
    })
    .await;
}
