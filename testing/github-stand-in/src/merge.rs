//! The three ways to merge a pull request.

use crate::git::{Commit, Git, GitError, Merge, NewCommit, Person};
use crate::state::{Pull, TestMerge};
use crate::world::World;

/// The way of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    Merge,
    Squash,
    Rebase,
}

/// The title and message of the merge, if the client gives them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wording {
    pub(crate) title: Option<String>,
    pub(crate) message: Option<String>,
}

/// Makes the new head of the base branch, or returns `None` on a conflict. Does not move the branch.
pub(crate) async fn make(
    world: &World,
    pull: &Pull,
    base: &Commit,
    method: Method,
    wording: &Wording,
    login: &str,
) -> Result<Option<String>, GitError> {
    if method == Method::Rebase {
        return rebase(&world.git, base, &pull.head_sha, &world.person(login)).await;
    }
    let Merge::Tree(tree) = world.git.merge(&base.sha, &pull.head_sha).await? else { return Ok(None) };
    let (author, parents, message) = if method == Method::Squash {
        let message = squash_message(world, pull, base, wording).await?;
        (world.person(&pull.author), vec![base.sha.clone()], message)
    } else {
        let parents = vec![base.sha.clone(), pull.head_sha.clone()];
        (world.person(login), parents, merge_message(&world.links.owner, pull, wording))
    };
    let commit = NewCommit { tree, parents, author, committer: world.github(), message };
    world.git.make_commit(&commit).await.map(Some)
}

/// The result of a trial merge, which moves nothing.
pub(crate) async fn try_out(world: &World, pull: &Pull, base: &Commit) -> Result<TestMerge, GitError> {
    let login = &pull.author;
    let wording = Wording {
        title: Some(format!("Merge {} into {}", pull.head_sha, base.sha)),
        message: Some(String::new()),
    };
    let commit = make(world, pull, base, Method::Merge, &wording, login).await?;
    let is_rebaseable = match commit {
        Some(_) => rebase(&world.git, base, &pull.head_sha, &world.person(login)).await?.is_some(),
        None => false,
    };
    Ok(TestMerge { base: base.sha.clone(), head: pull.head_sha.clone(), commit, is_rebaseable })
}

fn merge_message(owner: &str, pull: &Pull, wording: &Wording) -> String {
    let title = wording.title.clone();
    let title =
        title.unwrap_or_else(|| format!("Merge pull request #{} from {owner}/{}", pull.number, pull.head));
    join(&title, wording.message.as_deref().unwrap_or(&pull.title))
}

/// A single commit's own message; for several, the pull request's title and all their messages.
async fn squash_message(
    world: &World,
    pull: &Pull,
    base: &Commit,
    wording: &Wording,
) -> Result<String, GitError> {
    let commits = world.git.commits(&world.git.between(&base.sha, &pull.head_sha).await?).await?;
    let (title, message) = match commits.as_slice() {
        [only] => {
            let (title, body) = only.message.split_once('\n').unwrap_or((&only.message, ""));
            (title.to_owned(), body.trim().to_owned())
        }
        several => {
            let messages: Vec<String> =
                several.iter().map(|commit| format!("* {}", commit.message.trim())).collect();
            (pull.title.clone(), messages.join("\n\n"))
        }
    };
    let title = wording.title.clone().unwrap_or_else(|| format!("{title} (#{})", pull.number));
    Ok(join(&title, wording.message.as_deref().unwrap_or(&message)))
}

fn join(title: &str, message: &str) -> String {
    if message.is_empty() { title.to_owned() } else { format!("{title}\n\n{message}") }
}

/// Rebases every commit of a branch onto a base, and returns the newest; `None` on a conflict.
///
/// Leaves out merge commits, and commits that become empty.
async fn rebase(
    git: &Git,
    base: &Commit,
    head: &str,
    committer: &Person,
) -> Result<Option<String>, GitError> {
    let mut tip = base.clone();
    for commit in git.commits(&git.between(&base.sha, head).await?).await? {
        let [parent] = commit.parents.as_slice() else { continue };
        let Merge::Tree(tree) = git.pick(&commit, &tip).await? else { return Ok(None) };
        let was_empty = git.commit(parent).await?.is_some_and(|parent| parent.tree == commit.tree);
        if tree == tip.tree && !was_empty {
            continue;
        }
        let picked = NewCommit {
            tree,
            parents: vec![tip.sha.clone()],
            author: commit.author.clone(),
            committer: committer.clone(),
            message: commit.message.clone(),
        };
        let sha = git.make_commit(&picked).await?;
        tip = git
            .commit(&sha)
            .await?
            .ok_or_else(|| GitError::Unexpected("a new commit is missing".to_owned()))?;
    }
    Ok(Some(tip.sha))
}
