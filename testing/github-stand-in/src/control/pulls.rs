//! Pull requests.

use super::refused;
use crate::api::{Opening, open};
use crate::git::{Change, GitError, NewCommit};
use crate::push::announce_pull;
use crate::stand_in::StandIn;
use crate::webhook::Action;

/// A pull request to open.
#[derive(Debug, Clone)]
pub struct NewPullRequest {
    /// Its number; the next free one if this is `None` or taken.
    pub number: Option<u64>,
    /// Its title.
    pub title: String,
    /// Its description.
    pub body: Option<String>,
    /// The branch that it comes from. Changes are committed to it first.
    pub branch: String,
    /// The user who opens it.
    pub author: String,
    /// The author's association with the repository, in GitHub's words.
    pub association: String,
    /// The owner of the fork that it comes from; `None` if it comes from the repository itself.
    pub fork: Option<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its commits: the message and the changes of each.
    pub commits: Vec<(String, Vec<Change>)>,
}

impl NewPullRequest {
    /// Creates one with a single commit, whose message is the title.
    pub fn new(branch: impl Into<String>, title: impl Into<String>, changes: Vec<Change>) -> Self {
        let title = title.into();
        Self {
            number: None,
            title: title.clone(),
            body: None,
            branch: branch.into(),
            author: "update-bot".to_owned(),
            association: "CONTRIBUTOR".to_owned(),
            fork: None,
            labels: vec![],
            commits: vec![(title, changes)],
        }
    }
}

impl StandIn {
    /// Opens a pull request into the main branch, and returns its number.
    ///
    /// # Errors
    /// [`GitError`], also if GitHub would refuse it.
    pub async fn open_pull_request(&self, new: NewPullRequest) -> Result<u64, GitError> {
        let fork = if let Some(owner) = &new.fork {
            Some((owner.clone(), self.commit_to_fork(&new).await?))
        } else {
            for (message, changes) in &new.commits {
                self.commit(&new.branch, &new.author, message, changes).await?;
            }
            None
        };
        let mut state = self.world.state.lock().await;
        let opening = Opening {
            number: new.number,
            title: new.title,
            body: new.body,
            head: new.branch,
            base: state.default_branch.clone(),
            author: new.author,
            association: new.association,
            is_draft: false,
            labels: new.labels,
            fork,
        };
        open(&self.world, &mut state, opening).await.map_err(|refusal| refused(&refusal))
    }

    /// Commits on top of the main branch in a fork, which has branches of its own; returns the last commit.
    async fn commit_to_fork(&self, new: &NewPullRequest) -> Result<String, GitError> {
        let _one_at_a_time = self.world.state.lock().await;
        let git = &self.world.git;
        let mut tip = git.branch("main").await?.ok_or_else(|| GitError::Unexpected("no main".to_owned()))?;
        for (message, changes) in &new.commits {
            let author = self.world.person(&new.author);
            let commit = NewCommit {
                tree: git.tree_with(Some(&tip), changes).await?,
                parents: vec![tip],
                committer: author.clone(),
                author,
                message: message.clone(),
            };
            tip = git.make_commit(&commit).await?;
        }
        Ok(tip)
    }

    /// Retargets a pull request to another branch.
    ///
    /// # Errors
    /// [`GitError`]
    pub async fn retarget(&self, number: u64, base: &str) -> Result<(), GitError> {
        let mut state = self.world.state.lock().await;
        let now = self.world.clock.now();
        let at = self.world.git.branch(base).await?;
        if let (Some(pull), Some(at)) = (state.pulls.get_mut(&number), at) {
            (pull.base, pull.base_sha, pull.updated) = (base.to_owned(), at, now);
        }
        Ok(())
    }

    /// Comments on a pull request, so that it is the one updated last.
    pub async fn touch(&self, number: u64) {
        let now = self.world.clock.now();
        if let Some(pull) = self.world.state.lock().await.pulls.get_mut(&number) {
            pull.updated = now;
        }
    }

    /// Makes a pull request a draft, or ready.
    pub async fn draft(&self, number: u64, is_draft: bool) {
        if let Some(pull) = self.world.state.lock().await.pulls.get_mut(&number) {
            pull.is_draft = is_draft;
        }
    }

    /// Adds a label to a pull request.
    ///
    /// # Errors
    /// [`GitError`]
    pub async fn label(&self, number: u64, label: &str) -> Result<(), GitError> {
        let mut state = self.world.state.lock().await;
        let now = self.world.clock.now();
        let Some(pull) = state.pulls.get_mut(&number) else { return Ok(()) };
        pull.labels.push(label.to_owned());
        pull.updated = now;
        let author = pull.author.clone();
        let action = Action::Labeled { label: label.to_owned() };
        announce_pull(&self.world, &mut state, number, &action, &author).await
    }

    /// Makes GitHub answer that mergeability is not known yet, for this number of requests.
    pub async fn mergeability_is_unknown(&self, times: u32) {
        self.world.state.lock().await.unknown_mergeability = times;
    }
}
