//! A repository at the stand-in, and the client that the product uses.

use std::sync::Mutex;

use async_trait::async_trait;
use backstay_fleet::github::revert::{RevertError, RevertRecord, Reverted};
use backstay_fleet::github::{Access, GitHub, GitHubConfig, MergeMethod, UpdateRule};
use backstay_fleet::secret::Secret;
use backstay_fleet::store::StoreError;
use backstay_github_stand_in::{Change, NewPullRequest, Options, StandIn, TOKEN};
use backstay_model::Commit;

use crate::git::Git;

/// The message of reverts.
pub(crate) const MESSAGE: &str = "Revert PR #42 (auto-rollback after failed deployment)";

pub(crate) struct Bench {
    pub(crate) stand_in: StandIn,
    pub(crate) github: GitHub,
    pub(crate) git: Git,
    pub(crate) record: Record,
}

/// What a revert remembers, in memory.
#[derive(Default)]
pub(crate) struct Record(pub(crate) Mutex<Vec<Commit>>);

#[async_trait]
impl RevertRecord for Record {
    async fn candidates(&self) -> Result<Vec<Commit>, StoreError> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn remember(&self, candidate: &Commit) -> Result<(), StoreError> {
        self.0.lock().unwrap().push(candidate.clone());
        Ok(())
    }
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default(), "nixcfg").await
    }

    /// The client uses this name for the repository.
    pub(crate) async fn start_with(options: Options, name: &str) -> Self {
        let clock = options.clock.clone();
        let stand_in = StandIn::start(options).await.unwrap();
        let config = GitHubConfig {
            api: stand_in.url.clone(),
            owner: "example".into(),
            name: name.into(),
            branch: "main".into(),
            access: Access::Token(Secret::from_text(TOKEN)),
            merge_method: MergeMethod::Merge,
            updates: UpdateRule::default(),
        };
        let github = GitHub::new(&config, clock).unwrap();
        let git = Git::at(stand_in.repository());
        Self { stand_in, github, git, record: Record::default() }
    }

    /// A repository with pull request 42 merged and one commit after it.
    pub(crate) async fn merged() -> Self {
        Self::merged_at(Self::start().await).await
    }

    pub(crate) async fn merged_at(bench: Self) -> Self {
        bench.commit("One", &[Change::write("flake.lock", "old\n"), Change::write("README", "r\n")]).await;
        bench.open("update", &[Change::write("flake.lock", "new\n")]).await;
        bench.merge(MergeMethod::Merge).await;
        bench.commit("Later", &[Change::write("later", "l\n")]).await;
        bench
    }

    pub(crate) async fn commit(&self, message: &str, changes: &[Change]) -> String {
        self.stand_in.commit("main", "alice", message, changes).await.unwrap()
    }

    /// Opens pull request 42.
    pub(crate) async fn open(&self, branch: &str, changes: &[Change]) {
        let new = NewPullRequest::new(branch, "Update flake.lock", changes.to_vec());
        self.stand_in.open_pull_request(NewPullRequest { number: Some(42), ..new }).await.unwrap();
    }

    pub(crate) async fn merge(&self, method: MergeMethod) {
        let head = self.github.pull_request(42).await.unwrap().head.sha;
        self.github.merge(42, &head, method).await.unwrap();
    }

    pub(crate) async fn revert(&self) -> Result<Reverted, RevertError> {
        self.github.revert(42, MESSAGE, &self.record).await
    }

    pub(crate) async fn head(&self) -> String {
        self.stand_in.head("main").await.unwrap().unwrap()
    }

    /// Number of reverts on the main branch.
    pub(crate) fn reverts(&self) -> usize {
        self.git.say(&["log", "--format=%s", "main"]).lines().filter(|line| *line == MESSAGE).count()
    }

    /// Checks that nothing was left behind.
    #[track_caller]
    pub(crate) fn no_scratch_branch(&self) {
        let branches = self.git.say(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
        assert!(!branches.contains("backstay/"), "{branches}");
    }
}
