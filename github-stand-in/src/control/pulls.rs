//! Pull requests.

use super::refused;
use crate::api::{Opening, open};
use crate::git::{Change, GitError};
use crate::push::announce_pull;
use crate::stand_in::StandIn;
use crate::webhook::Action;

/// A pull request to be opened.
#[derive(Debug, Clone)]
pub struct NewPullRequest {
    /// Its number; the next one where it is none, or taken.
    pub number: Option<u64>,
    /// Its title.
    pub title: String,
    /// Its description.
    pub body: Option<String>,
    /// The branch that it comes from. Changes are committed to it first.
    pub branch: String,
    /// Who opens it.
    pub author: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its commits: the message of each, and what it changes.
    pub commits: Vec<(String, Vec<Change>)>,
}

impl NewPullRequest {
    /// One of one commit, which has the title as its message.
    pub fn new(branch: impl Into<String>, title: impl Into<String>, changes: Vec<Change>) -> Self {
        let title = title.into();
        Self {
            number: None,
            title: title.clone(),
            body: None,
            branch: branch.into(),
            author: "update-bot".to_owned(),
            labels: vec![],
            commits: vec![(title, changes)],
        }
    }
}

impl StandIn {
    /// Opens a pull request into the main branch. Its number.
    ///
    /// # Errors
    /// [`GitError`], also where GitHub would refuse it.
    pub async fn open_pull_request(&self, new: NewPullRequest) -> Result<u64, GitError> {
        for (message, changes) in &new.commits {
            self.commit(&new.branch, &new.author, message, changes).await?;
        }
        let mut state = self.world.state.lock().await;
        let opening = Opening {
            number: new.number,
            title: new.title,
            body: new.body,
            head: new.branch,
            base: state.default_branch.clone(),
            author: new.author,
            is_draft: false,
            labels: new.labels,
        };
        open(&self.world, &mut state, opening).await.map_err(|refusal| refused(&refusal))
    }

    /// Gives a pull request a label.
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

    /// Lets GitHub not know yet whether a pull request can be merged, for so many times that one is asked for.
    pub async fn mergeability_is_unknown(&self, times: u32) {
        self.world.state.lock().await.unknown_mergeability = times;
    }
}
