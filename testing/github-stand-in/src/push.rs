//! The consequences of a moved branch: for pull requests, and the events.

use crate::api::shown;
use crate::git::{Commit, GitError, Moved};
use crate::state::{Merged, State};
use crate::webhook::{Action, Payloads, Push};
use crate::world::World;

/// An event names at most this many commits of a push.
const COMMITS: usize = 2048;

/// Moves a branch, with all consequences.
pub(crate) async fn push(
    world: &World,
    state: &mut State,
    moved: Moved,
    login: &str,
) -> Result<(), GitError> {
    world.git.move_branch(&moved).await?;
    announce_push(world, state, &moved, login).await?;
    follow_up(world, state, &moved, login).await
}

/// Sends a `pull_request` event.
pub(crate) async fn announce_pull(
    world: &World,
    state: &mut State,
    number: u64,
    action: &Action,
    login: &str,
) -> Result<(), GitError> {
    if !world.webhooks.is_wanted() {
        return Ok(());
    }
    let Some(shown) = shown(world, state, number).await? else { return Ok(()) };
    let payloads = Payloads { links: &world.links, state, app: world.app.as_ref(), sender: login };
    world.webhooks.send("pull_request", &payloads.pull_request(action, &shown));
    Ok(())
}

async fn announce_push(world: &World, state: &State, moved: &Moved, login: &str) -> Result<(), GitError> {
    if !world.webhooks.is_wanted() {
        return Ok(());
    }
    let mut forced = false;
    let mut commits = vec![];
    if let Some(after) = &moved.after {
        let before = match &moved.before {
            Some(before) => {
                forced = !world.git.contains(after, before).await?;
                Some(before.clone())
            }
            // A new branch has the commits that the main branch lacks.
            None => world.git.branch(&state.default_branch).await?.filter(|main| main != after),
        };
        let shas = match &before {
            Some(before) => world.git.between(before, after).await?,
            None => vec![],
        };
        let start = shas.len().saturating_sub(COMMITS);
        for commit in world.git.commits(&shas[start..]).await? {
            let files =
                world.git.changed_files(commit.parents.first().map(String::as_str), &commit.sha).await?;
            commits.push((commit, files));
        }
    }
    let payloads = Payloads { links: &world.links, state, app: world.app.as_ref(), sender: login };
    world.webhooks.send("push", &payloads.push(&Push { moved, forced, commits: &commits }));
    Ok(())
}

/// Updates the pull requests of the branch.
async fn follow_up(world: &World, state: &mut State, moved: &Moved, login: &str) -> Result<(), GitError> {
    let open = |pull: &&crate::state::Pull| pull.is_open();
    let numbers: Vec<u64> = state.pulls.values().filter(open).map(|pull| pull.number).collect();
    for number in numbers {
        let Some(pull) = state.pulls.get(&number).cloned() else { continue };
        let is_gone = moved.after.is_none() && (pull.is_from(&moved.branch) || pull.base == moved.branch);
        if is_gone {
            close(world, state, number, login, None).await?;
        } else if let Some(after) = moved.after.as_ref().filter(|_| pull.is_from(&moved.branch)) {
            synchronize(world, state, number, after, login).await?;
        } else if let Some(after) = moved.after.as_ref().filter(|_| pull.base == moved.branch) {
            // Pushing a pull request's commits merges it.
            if world.git.contains(after, &pull.head_sha).await? {
                let merged = (moved.before.clone(), after.clone());
                close(world, state, number, login, Some(merged)).await?;
            }
        }
    }
    Ok(())
}

async fn synchronize(
    world: &World,
    state: &mut State,
    number: u64,
    head: &str,
    login: &str,
) -> Result<(), GitError> {
    world.git.keep_pull_head(number, head).await?;
    let Some(pull) = state.pulls.get_mut(&number) else { return Ok(()) };
    let before = std::mem::replace(&mut pull.head_sha, head.to_owned());
    if let Some(base) = world.git.branch(&pull.base).await? {
        pull.base_sha = base;
    }
    pull.updated = world.clock.now();
    let action = Action::Synchronize { before, after: head.to_owned() };
    announce_pull(world, state, number, &action, login).await
}

/// Closes a pull request: merged by a move of the base branch from one commit to another, or not merged.
pub(crate) async fn close(
    world: &World,
    state: &mut State,
    number: u64,
    login: &str,
    merged: Option<(Option<String>, String)>,
) -> Result<(), GitError> {
    let now = world.clock.now();
    let Some(pull) = state.pulls.get_mut(&number) else { return Ok(()) };
    pull.updated = now;
    pull.closed = Some(now);
    pull.merged = merged.map(|(before, sha)| Merged { at: now, by: login.to_owned(), before, sha });
    announce_pull(world, state, number, &Action::Closed, login).await
}

/// Resolves a commit's name as GitHub does: a branch, a hash, or the start of one.
pub(crate) async fn resolve(world: &World, name: &str) -> Result<Option<Commit>, GitError> {
    let is_hash = name.len() >= 7 && name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash && let Some(commit) = world.git.commit(name).await? {
        return Ok(Some(commit));
    }
    let branch = name.strip_prefix("refs/").unwrap_or(name);
    let branch = branch.strip_prefix("heads/").unwrap_or(branch);
    let full = format!("refs/heads/{branch}");
    if !world.git.is_branch_name(&full).await? {
        return Ok(None);
    }
    world.git.commit(&full).await
}
