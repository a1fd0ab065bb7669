//! A fleet that watches a repository at the stand-in, with a shared clock.

use std::sync::Arc;
use std::time::Duration;

use backstay_github_stand_in::{
    Away, Change, Check, CommitStatus, MergeMethods, Moment, NewPullRequest, Options, Permission, Protection,
    ProtectionKind, StandIn, TOKEN, Token, lock_file,
};
use backstay_model::deployment::Decision;
use backstay_model::pull_request::{Inputs, Mergeable, PullRequests, Reading, UpdatePullRequest};
use backstay_model::wire::event::Event;
use backstay_model::{Clock as _, Commit, DesiredState, FixedClock};
use chrono::TimeDelta;
use http::StatusCode;

use crate::deployments::{RevertRequest, SeenPullRequest};
use crate::github::{Access, GitHub, GitHubConfig, MergeMethod, UpdateRule};
use crate::secret::Secret;
use crate::test_fleet::{self, Database, maria};
use crate::{Fleet, FleetConfig};

/// Another person's token, for merges at GitHub itself.
const ALICE: &str = "ghp_alice";

struct Bench {
    stand_in: StandIn,
    fleet: Fleet,
    clock: Arc<FixedClock>,
    database: Database,
}

fn github(
    stand_in: &StandIn,
    clock: &Arc<FixedClock>,
    branch: &str,
    token: &str,
    method: MergeMethod,
) -> GitHub {
    let config = GitHubConfig {
        api: stand_in.url.clone(),
        owner: "example".into(),
        name: "nixcfg".into(),
        branch: branch.into(),
        access: Access::Token(Secret::from_text(token)),
        merge_method: method,
        updates: UpdateRule::default(),
    };
    GitHub::new(&config, clock.clone()).unwrap()
}

impl Bench {
    /// A watched repository with a lock file.
    async fn new() -> Self {
        let clock = Arc::new(FixedClock::at("2026-01-04T12:00:00Z".parse().unwrap()));
        let mut options = Options { clock: clock.clone(), ..Options::default() };
        options.tokens.push(Token::new(ALICE, "alice", Permission::Admin));
        let stand_in = StandIn::start(options).await.unwrap();
        stand_in.commit("main", "alice", "A flake", &lock("1")).await.unwrap();
        let database = Database::new();
        let github = github(&stand_in, &clock, "main", TOKEN, MergeMethod::Merge);
        let fleet = fleet(&database, &clock, github).await;
        Self { stand_in, fleet, clock, database }
    }

    /// Another server on the same store, with these settings.
    async fn asking(&self, branch: &str, token: &str, method: MergeMethod) -> Fleet {
        fleet(&self.database, &self.clock, github(&self.stand_in, &self.clock, branch, token, method)).await
    }

    async fn again(&self) -> Fleet {
        self.asking("main", TOKEN, MergeMethod::Merge).await
    }

    async fn read(&self) -> PullRequests {
        self.fleet.read_github().await.unwrap();
        self.fleet.pull_requests()
    }

    async fn open(&self, branch: &str, title: &str, changes: Vec<Change>) -> u64 {
        self.stand_in.open_pull_request(NewPullRequest::new(branch, title, changes)).await.unwrap()
    }

    /// Merges at GitHub itself.
    async fn merge_there(&self, number: u64) {
        let alice = github(&self.stand_in, &self.clock, "main", ALICE, MergeMethod::Merge);
        let head = alice.pull_request(number).await.unwrap().head.sha;
        alice.merge(number, &head, MergeMethod::Merge).await.unwrap();
    }

    async fn deployed(&self) -> Vec<(u64, String)> {
        let deployments = self.fleet.deployments(None).await.unwrap();
        deployments.into_iter().map(|d| (d.pull_request.number, d.merged_by)).collect()
    }

    fn asked(&self) -> usize {
        self.stand_in.requests().len()
    }

    /// Merges what Maria saw at this commit, without her confirmation of anything unusual. Returns the refusal.
    async fn refused_merge(&self, number: u64, head: &Commit) -> String {
        let before = self.stand_in.head("main").await.unwrap();
        let merged = self.fleet.merge_pull_request(&maria(), &seen(number, head)).await;
        assert_eq!(self.stand_in.head("main").await.unwrap(), before);
        merged.unwrap_err().to_string()
    }

    async fn head_of(&self, number: u64) -> Commit {
        let alice = github(&self.stand_in, &self.clock, "main", ALICE, MergeMethod::Merge);
        alice.pull_request(number).await.unwrap().head.sha
    }

    /// Waits until a reading in the background has this effect.
    async fn until(what: &str, holds: impl AsyncFn() -> bool) {
        let wait = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(2), wait).await.unwrap_or_else(|_| panic!("no {what}"));
    }
}

async fn fleet(database: &Database, clock: &Arc<FixedClock>, github: GitHub) -> Fleet {
    let config = test_fleet::config(Arc::new(database.open().await), clock);
    Fleet::new(FleetConfig { github: Some(github), ..config })
}

fn seen(number: u64, head: &Commit) -> SeenPullRequest {
    SeenPullRequest { number, head: head.clone(), is_looked_at: false, then_roll_out: false }
}

fn lock(digit: &str) -> Vec<Change> {
    vec![Change::write("flake.lock", lock_file(&[("nixpkgs", &digit.repeat(40))]))]
}

fn alone(shown: &PullRequests) -> &UpdatePullRequest {
    assert_eq!(shown.open.len(), 1, "{shown:?}");
    &shown.open[0]
}

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
async fn what_is_wrong_with_the_settings_is_told_until_it_is_repaired() {
    let bench = Bench::new().await;
    let problem = async |fleet: &Fleet| {
        fleet.read_github().await.unwrap();
        fleet.pull_requests().problems.join(" ")
    };
    bench.stand_in.permit(TOKEN, Permission::Read);
    assert!(problem(&bench.fleet).await.contains("may not write to example/nixcfg"));
    bench.stand_in.permit(TOKEN, Permission::None);
    assert!(problem(&bench.fleet).await.contains("knows no repository example/nixcfg"));
    bench.stand_in.permit(TOKEN, Permission::Write);
    assert_eq!(problem(&bench.fleet).await, "");

    let elsewhere = bench.asking("release", TOKEN, MergeMethod::Merge).await;
    assert!(problem(&elsewhere).await.contains("There is no branch release in example/nixcfg"));
    assert!(matches!(elsewhere.desired(), DesiredState::Unreadable { .. }));
    let wrong = bench.asking("main", "ghp_wrong", MergeMethod::Merge).await;
    assert!(problem(&wrong).await.contains("does not accept the token"));
    bench.stand_in.allow(MergeMethods { squash: false, ..MergeMethods::default() }).await;
    let squashing = bench.asking("main", TOKEN, MergeMethod::Squash).await;
    assert!(problem(&squashing).await.contains("does not allow merging by squashing"));
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
async fn a_protected_branch_is_told_of_and_a_revert_will_be_a_pull_request() {
    for kind in [ProtectionKind::Classic, ProtectionKind::Ruleset] {
        let bench = Bench::new().await;
        bench.stand_in.protect("main", Some(Protection::pull_requests(kind))).await;
        let problems = bench.read().await.problems;
        assert!(problems[0].contains("main is protected at GitHub"), "{problems:?}");
        assert!(problems[0].contains("a revert comes as a pull request"), "{problems:?}");
        let is_named = problems[0].contains("changes by pull requests alone");
        assert_eq!(is_named, kind == ProtectionKind::Ruleset, "{problems:?}");
        // Nothing needs repair, so the settings are read again after an hour.
        bench.stand_in.protect("main", None).await;
        assert_eq!(bench.read().await.problems, problems);
        bench.clock.advance(TimeDelta::hours(1));
        assert!(bench.read().await.problems.is_empty());
    }
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
    assert_eq!(bench.deployed().await, [(update, "alice".to_owned())], "{closed} and {other} are none");
    let head = bench.stand_in.head("main").await.unwrap().unwrap();
    assert_eq!(bench.fleet.newest_deployment().await.unwrap().unwrap().commit.0, head);
    let missed = bench.fleet.events().subscribe(Some(before)).missed;
    let merged: Vec<_> = missed.iter().filter(|event| event.name == "pr_merged").collect();
    assert_eq!(merged.len(), 1);
    assert!(merged[0].json.contains("merged by alice"), "{}", merged[0].json);
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
        [(first, "alice".to_owned())],
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
async fn a_merge_from_here_is_the_persons_whatever_a_reading_sees_meanwhile() {
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
async fn nothing_is_merged_that_nobody_saw() {
    let bench = Bench::new().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    let seen = alone(&bench.read().await).head.clone();
    bench.stand_in.commit("update", "update-bot", "More", &lock("3")).await.unwrap();
    let before = bench.stand_in.head("main").await.unwrap();
    let error = bench.refused_merge(number, &seen).await;
    assert!(error.contains(&format!("#{number} was not merged. It is now at ")), "{error}");
    assert_eq!(bench.stand_in.head("main").await.unwrap(), before);
    assert_eq!(bench.deployed().await, []);
    let fresh = bench.read().await;
    assert_ne!(alone(&fresh).head, seen);
}

#[tokio::test]
async fn a_proposed_revert_that_is_merged_is_the_revert() {
    let bench = Bench::new().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.merge_there(number).await;
    bench.fleet.read_github().await.unwrap();
    // The first look ignores the past. Later merges count.
    let later = bench.open("later", "Update flake.lock again", lock("4")).await;
    bench.merge_there(later).await;
    bench.read().await;
    let deployment = bench.fleet.newest_deployment().await.unwrap().unwrap();
    assert_eq!(deployment.pull_request.number, later);
    bench.stand_in.protect("main", Some(Protection::pull_requests(ProtectionKind::Ruleset))).await;
    let proposed =
        bench.fleet.revert_pull_request(&maria(), deployment.id, RevertRequest::default()).await.unwrap();
    let Decision::Proposed { pull_request, .. } = proposed.decision else { panic!("{proposed:?}") };
    assert!(bench.read().await.open.is_empty(), "it is no update");
    let before = bench.fleet.events().last();
    bench.stand_in.protect("main", None).await;
    bench.merge_there(pull_request.number).await;
    bench.read().await;
    let reverted = bench.fleet.deployment(deployment.id).await.unwrap().unwrap();
    let Decision::Reverted { by, commit, .. } = reverted.decision else { panic!("{reverted:?}") };
    let head = bench.stand_in.head("main").await.unwrap().map(Commit);
    assert_eq!((by.as_str(), Some(commit)), ("alice", head));
    let missed = bench.fleet.events().subscribe(Some(before)).missed;
    assert!(missed.iter().any(|event| event.name == "pr_reverted"));
    bench.read().await;
    assert_eq!(bench.deployed().await.len(), 1, "the revert opens none of its own");
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

#[tokio::test]
async fn the_server_decides_what_may_be_merged_whatever_a_page_says() {
    let bench = Bench::new().await;
    let change = |name: &str| vec![Change::write(name, "x")];
    let back_door = bench.open("door", "Open a back door on every host", change("configuration.nix")).await;
    let refused = async |number: u64| bench.refused_merge(number, &bench.head_of(number).await).await;
    assert!(refused(back_door).await.contains("not one that updates the fleet"));

    let update = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.stand_in.commit("release", "alice", "Released", &change("release")).await.unwrap();
    bench.stand_in.retarget(update, "release").await.unwrap();
    let said = refused(update).await;
    assert!(said.contains("It targets release, and hosts follow main."), "{said}");
    bench.stand_in.retarget(update, "main").await.unwrap();
    bench.stand_in.draft(update, true).await;
    assert!(refused(update).await.contains("It is a draft."));
    bench.stand_in.draft(update, false).await;
    let head = bench.head_of(update).await;
    bench.merge_there(update).await;
    assert!(bench.refused_merge(update, &head).await.contains("no longer open"));

    let conflicting = bench.open("conflict", "Update flake.lock again", lock("4")).await;
    bench.stand_in.commit("main", "bob", "Another lock", &lock("9")).await.unwrap();
    assert!(refused(conflicting).await.contains("It conflicts with main."));
}

#[tokio::test]
async fn what_is_no_ordinary_update_is_merged_only_for_who_looked_at_it() {
    let bench = Bench::new().await;
    let commits = vec![
        ("Update".to_owned(), lock("2")),
        ("Else".to_owned(), vec![Change::write("configuration.nix", "{ }")]),
    ];
    let new = NewPullRequest {
        commits,
        author: "eve".into(),
        association: "NONE".into(),
        fork: Some("eve".into()),
        ..NewPullRequest::new("update", "Update flake.lock", vec![])
    };
    let number = bench.stand_in.open_pull_request(new).await.unwrap();
    let head = bench.head_of(number).await;
    bench.stand_in.set_checks(&head.0, vec![Check::ended("build", "failure")]).await;
    let shown = bench.read().await;
    let doubts = alone(&shown).doubts();
    assert_eq!(
        doubts,
        [
            "It changes a file beside flake.lock: configuration.nix.",
            "It comes from a fork, eve/nixcfg. GitHub knows eve neither as a member nor as a contributor of this repository.",
            "A check failed: build."
        ]
    );
    let said = bench.refused_merge(number, &head).await;
    assert!(doubts.iter().all(|doubt| said.contains(doubt)), "{said}");
    let seen = SeenPullRequest { is_looked_at: true, ..seen(number, &head) };
    bench.fleet.merge_pull_request(&maria(), &seen).await.unwrap();
    assert_eq!(bench.deployed().await, [(number, "maria".to_owned())]);
}

#[tokio::test]
async fn a_bot_that_pushes_to_the_repository_raises_no_doubt() {
    let bench = Bench::new().await;
    let new = NewPullRequest {
        author: "renovate[bot]".into(),
        association: "NONE".into(),
        ..NewPullRequest::new("update", "Update flake.lock", lock("2"))
    };
    bench.stand_in.open_pull_request(new).await.unwrap();
    assert_eq!(alone(&bench.read().await).doubts(), [""; 0]);
}

#[tokio::test]
async fn a_pull_request_from_a_fork_is_never_taken_for_our_proposal() {
    let bench = Bench::new().await;
    bench.read().await;
    let number = bench.open("update", "Update flake.lock", lock("2")).await;
    bench.merge_there(number).await;
    bench.read().await;
    let deployment = bench.fleet.newest_deployment().await.unwrap().unwrap();
    let posing = NewPullRequest {
        fork: Some("eve".into()),
        author: "eve".into(),
        ..NewPullRequest::new(format!("backstay/revert-{number}"), "Revert", vec![Change::write("evil", "e")])
    };
    let posing = bench.stand_in.open_pull_request(posing).await.unwrap();
    bench.stand_in.protect("main", Some(Protection::pull_requests(ProtectionKind::Ruleset))).await;
    let propose = async || {
        let decided =
            bench.fleet.revert_pull_request(&maria(), deployment.id, RevertRequest::default()).await.unwrap();
        let Decision::Proposed { pull_request, .. } = decided.decision else { panic!("{decided:?}") };
        pull_request.number
    };
    let proposed = propose().await;
    assert_ne!(proposed, posing);
    assert_eq!(propose().await, proposed, "it is found again");
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
    assert_eq!(bench.deployed().await, [(update, "alice".to_owned())]);
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
async fn a_renamed_repository_is_merged_and_reverted_in_and_told_of() {
    let clock = Arc::new(FixedClock::at("2026-01-04T12:00:00Z".parse().unwrap()));
    let options =
        Options { clock: clock.clone(), formerly: Some("example/oldcfg".into()), ..Options::default() };
    let stand_in = StandIn::start(options).await.unwrap();
    stand_in.commit("main", "alice", "A flake", &lock("1")).await.unwrap();
    let number = stand_in
        .open_pull_request(NewPullRequest::new("update", "Update flake.lock", lock("2")))
        .await
        .unwrap();
    let database = Database::new();
    let config = GitHubConfig {
        api: stand_in.url.clone(),
        owner: "example".into(),
        name: "oldcfg".into(),
        branch: "main".into(),
        access: Access::Token(Secret::from_text(TOKEN)),
        merge_method: MergeMethod::Merge,
        updates: UpdateRule::default(),
    };
    let fleet = fleet(&database, &clock, GitHub::new(&config, clock.clone()).unwrap()).await;
    fleet.read_github().await.unwrap();
    let shown = fleet.pull_requests();
    assert!(
        shown.problems.iter().any(|p| p.contains("example/oldcfg is called example/nixcfg now")),
        "{shown:?}"
    );
    let head = alone(&shown).head.clone();
    let merged = fleet.merge_pull_request(&maria(), &seen(number, &head)).await.unwrap();
    let reverted = fleet.revert_pull_request(&maria(), merged.id, RevertRequest::default()).await.unwrap();
    assert!(matches!(reverted.decision, Decision::Reverted { .. }), "{reverted:?}");
}

#[tokio::test]
async fn nothing_is_asked_while_a_limit_lasts_whoever_wants_it() {
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
async fn a_rule_that_restricts_new_branches_is_told_before_a_revert_needs_one() {
    let bench = Bench::new().await;
    bench.stand_in.forbid_branches(Some("backstay/")).await;
    let problems = bench.read().await.problems;
    assert!(problems[0].contains("no pull request can be reverted"), "{problems:?}");
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
