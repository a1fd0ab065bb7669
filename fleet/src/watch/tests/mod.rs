//! A fleet that watches a repository at the stand-in, with a shared clock.

mod merges;
mod proposals;
mod readings;
mod refused;
mod roll_outs;
mod settings;
mod shown;

use std::sync::Arc;
use std::time::Duration;

use backstay_github_stand_in::{
    Change, NewPullRequest, Options, Permission, StandIn, TOKEN, Token, lock_file,
};
use backstay_model::pull_request::{PullRequests, UpdatePullRequest};
use backstay_model::{Commit, FixedClock};

use crate::deployments::SeenPullRequest;
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
