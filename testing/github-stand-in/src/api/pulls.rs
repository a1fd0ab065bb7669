//! `pulls`: lists them, shows one, opens new ones.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::Value;

use super::commits;
use crate::git::GitError;
use crate::merge::try_out;
use crate::push::{announce_pull, close};
use crate::shape::{self, PullShape};
use crate::state::{Pull, State as Facts};
use crate::web::{Answered, Caller, OriginalUri, Page, Problem, Refusal, created, ok, read_body};
use crate::webhook::Action;
use crate::world::World;

/// GitHub lists at most this many commits of a pull request.
const LISTED_COMMITS: usize = 250;

#[derive(Deserialize)]
pub(super) struct Filter {
    state: Option<String>,
    base: Option<String>,
    head: Option<String>,
    sort: Option<String>,
    direction: Option<String>,
}

impl Filter {
    fn takes(&self, owner: &str, pull: &Pull) -> bool {
        let state = match self.state.as_deref() {
            Some("all") => true,
            Some("closed") => !pull.is_open(),
            _ => pull.is_open(),
        };
        let head = format!("{}:{}", pull.fork.as_deref().unwrap_or(owner), pull.head);
        state
            && self.base.as_ref().is_none_or(|base| *base == pull.base)
            // GitHub ignores a head without an owner.
            && self.head.as_ref().is_none_or(|wanted| !wanted.contains(':') || *wanted == head)
    }

    fn sort(&self, pulls: &mut [&Pull]) {
        let by_update = self.sort.as_deref() == Some("updated");
        pulls.sort_by_key(|pull| (if by_update { pull.updated } else { pull.created }, pull.number));
        let is_default_order = self.sort.is_none() || self.sort.as_deref() == Some("created");
        let descending = match self.direction.as_deref() {
            Some(direction) => direction == "desc",
            None => is_default_order,
        };
        if descending {
            pulls.reverse();
        }
    }
}

pub(super) async fn list(
    State(world): State<Arc<World>>,
    Query(filter): Query<Filter>,
    Query(page): Query<Page>,
    Extension(OriginalUri(uri)): Extension<OriginalUri>,
) -> Answered {
    let state = world.state.lock().await;
    let mut pulls: Vec<&Pull> =
        state.pulls.values().filter(|pull| filter.takes(&world.links.owner, pull)).collect();
    filter.sort(&mut pulls);
    let (pulls, has_more) = page.of(pulls);
    let shapes = pulls.iter().map(|pull| shape::pull_simple(&world.links, &state, pull)).collect();
    Ok(page.link(ok(&Value::Array(shapes))?, &world.links.root, &uri, has_more))
}

pub(super) async fn show(State(world): State<Arc<World>>, Path(number): Path<String>) -> Answered {
    let mut state = world.state.lock().await;
    let number = number.parse().map_err(|_| Refusal::not_found())?;
    ok(&shown(&world, &mut state, number).await?.ok_or_else(Refusal::not_found)?)
}

pub(super) async fn commits(
    State(world): State<Arc<World>>,
    Path(number): Path<u64>,
    Query(page): Query<Page>,
    Extension(OriginalUri(uri)): Extension<OriginalUri>,
) -> Answered {
    let state = world.state.lock().await;
    let pull = state.pulls.get(&number).ok_or_else(Refusal::not_found)?;
    let mut shas = world.git.between(&pull.base_sha, &pull.head_sha).await?;
    shas.truncate(LISTED_COMMITS);
    let (shas, has_more) = page.of(shas);
    commits::listed(&world, &shas, page, &uri, has_more).await
}

/// The files that it changes, since it left the base branch.
pub(super) async fn files(
    State(world): State<Arc<World>>,
    Path(number): Path<u64>,
    Query(page): Query<Page>,
    Extension(OriginalUri(uri)): Extension<OriginalUri>,
) -> Answered {
    let state = world.state.lock().await;
    let pull = state.pulls.get(&number).ok_or_else(Refusal::not_found)?;
    let before = world.git.merge_base(&pull.base_sha, &pull.head_sha).await?;
    let files = world.git.changed_files(before.as_deref(), &pull.head_sha).await?;
    let (files, has_more) = page.of(files);
    let shapes = files.iter().map(|file| shape::file(&world.links, &pull.head_sha, file)).collect();
    Ok(page.link(ok(&Value::Array(shapes))?, &world.links.root, &uri, has_more))
}

/// The pull requests that a commit belongs to: those that brought it to their base branch, and those that
/// have it among their own commits.
pub(super) async fn of_commit(
    world: &World,
    state: &Facts,
    sha: &str,
    page: Page,
    uri: &http::Uri,
) -> Answered {
    let mut found = vec![];
    for pull in state.pulls.values() {
        let own = Some((pull.base_sha.as_str(), pull.head_sha.as_str()));
        let brought = pull.merged.as_ref().and_then(|merged| Some((merged.before.as_deref()?, &*merged.sha)));
        for (base, head) in own.into_iter().chain(brought) {
            if world.git.between(base, head).await?.iter().any(|commit| commit == sha) {
                found.push(pull);
                break;
            }
        }
    }
    let (found, has_more) = page.of(found);
    let shapes = found.iter().map(|pull| shape::pull_simple(&world.links, state, pull)).collect();
    Ok(page.link(ok(&Value::Array(shapes))?, &world.links.root, uri, has_more))
}

#[derive(Deserialize)]
struct New {
    title: String,
    head: String,
    base: String,
    body: Option<String>,
    #[serde(default)]
    draft: bool,
}

pub(super) async fn create(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Answered {
    let new: New = read_body(&body)?;
    let mut state = world.state.lock().await;
    let opening = Opening {
        number: None,
        title: new.title,
        body: new.body,
        head: new.head,
        base: new.base,
        author: caller.login().to_owned(),
        association: "COLLABORATOR".to_owned(),
        is_draft: new.draft,
        labels: vec![],
        fork: None,
    };
    let number = open(&world, &mut state, opening).await?;
    created(&shown(&world, &mut state, number).await?.ok_or_else(Refusal::not_found)?)
}

/// A pull request to open.
pub(crate) struct Opening {
    pub(crate) number: Option<u64>,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) head: String,
    pub(crate) base: String,
    pub(crate) author: String,
    pub(crate) association: String,
    pub(crate) is_draft: bool,
    pub(crate) labels: Vec<String>,
    /// The fork that it comes from, and the commit of its branch there.
    pub(crate) fork: Option<(String, String)>,
}

fn invalid(field: &'static str) -> Refusal {
    Refusal::invalid(Problem { resource: "PullRequest", field: Some(field), code: "invalid", message: None })
}

fn custom(message: String) -> Refusal {
    Refusal::invalid(Problem { resource: "PullRequest", field: None, code: "custom", message: Some(message) })
}

/// Opens a pull request and returns its number.
pub(crate) async fn open(world: &World, state: &mut Facts, new: Opening) -> Result<u64, Refusal> {
    let owner = &world.links.owner;
    let head = match new.head.split_once(':') {
        Some((whose, branch)) if whose.eq_ignore_ascii_case(owner) => branch.to_owned(),
        Some(_) => return Err(invalid("head")),
        None => new.head.clone(),
    };
    let base_sha = world.git.branch(&new.base).await?.ok_or_else(|| invalid("base"))?;
    let (fork, head_sha) = match new.fork {
        Some((owner, sha)) => (Some(owner), sha),
        None => (None, world.git.branch(&head).await?.ok_or_else(|| invalid("head"))?),
    };
    if world.git.between(&base_sha, &head_sha).await?.is_empty() {
        return Err(custom(format!("No commits between {} and {head}", new.base)));
    }
    let is_same =
        |pull: &Pull| pull.is_open() && (&pull.fork, &pull.head, &pull.base) == (&fork, &head, &new.base);
    if state.pulls.values().any(is_same) {
        return Err(custom(format!("A pull request already exists for {owner}:{head}.")));
    }
    let number = state.take_number(new.number);
    world.git.keep_pull_head(number, &head_sha).await?;
    let now = world.clock.now();
    let pull = Pull {
        number,
        title: new.title,
        body: new.body,
        author: new.author.clone(),
        is_draft: new.is_draft,
        labels: new.labels,
        fork,
        association: new.association,
        head,
        head_sha,
        base: new.base,
        base_sha,
        created: now,
        updated: now,
        closed: None,
        merged: None,
        test_merge: None,
    };
    state.pulls.insert(number, pull);
    announce_pull(world, state, number, &Action::Opened, &new.author).await?;
    Ok(number)
}

#[derive(Deserialize)]
struct Update {
    base: Option<String>,
    title: Option<String>,
    body: Option<String>,
    state: Option<String>,
}

pub(super) async fn update(
    State(world): State<Arc<World>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<u64>,
    body: Bytes,
) -> Answered {
    let update: Update = read_body(&body)?;
    let mut state = world.state.lock().await;
    let now = world.clock.now();
    let pull = state.pulls.get_mut(&number).ok_or_else(Refusal::not_found)?;
    let (is_open, is_merged) = (pull.is_open(), pull.merged.is_some());
    let wanted_state = update.state.as_deref();
    if wanted_state.is_some_and(|wanted| !["open", "closed"].contains(&wanted)) {
        return Err(invalid("state"));
    }
    if wanted_state == Some("open") && is_merged {
        return Err(Refusal::invalid(Problem {
            resource: "PullRequest",
            field: Some("state"),
            code: "invalid",
            message: Some("state cannot be changed. The pull request was merged.".to_owned()),
        }));
    }
    if let Some(base) = update.base {
        pull.base_sha = world.git.branch(&base).await?.ok_or_else(|| invalid("base"))?;
        pull.base = base;
        pull.updated = now;
    }
    if update.title.is_some() || update.body.is_some() {
        let title = update.title.map(|title| std::mem::replace(&mut pull.title, title));
        let body = update.body.map(|body| pull.body.replace(body).unwrap_or_default());
        pull.updated = now;
        let action = Action::Edited { title, body };
        announce_pull(&world, &mut state, number, &action, caller.login()).await?;
    }
    match (wanted_state, is_open) {
        (Some("closed"), true) => close(&world, &mut state, number, caller.login(), None).await?,
        (Some("open"), false) => reopen(&world, &mut state, number, caller.login()).await?,
        _ => {}
    }
    ok(&shown(&world, &mut state, number).await?.ok_or_else(Refusal::not_found)?)
}

async fn reopen(world: &World, state: &mut Facts, number: u64, login: &str) -> Result<(), Refusal> {
    if let Some(pull) = state.pulls.get_mut(&number) {
        pull.closed = None;
        pull.updated = world.clock.now();
    }
    Ok(announce_pull(world, state, number, &Action::Reopened, login).await?)
}

/// A single pull request, with the result that merging it would have.
pub(crate) async fn shown(world: &World, state: &mut Facts, number: u64) -> Result<Option<Value>, GitError> {
    let Some(pull) = state.pulls.get(&number) else { return Ok(None) };
    let trial = if pull.is_open() { test_merge(world, pull).await? } else { pull.test_merge.clone() };
    let unknown = pull.is_open() && state.unknown_mergeability > 0;
    let commits = world.git.between(&pull.base_sha, &pull.head_sha).await?.len();
    let before = world.git.merge_base(&pull.base_sha, &pull.head_sha).await?;
    let files = world.git.changed_files(before.as_deref(), &pull.head_sha).await?;
    let found = PullShape {
        mergeable: trial.as_ref().filter(|_| !unknown && pull.is_open()).map(|trial| trial.commit.is_some()),
        rebaseable: trial.as_ref().filter(|_| !unknown && pull.is_open()).map(|trial| trial.is_rebaseable),
        mergeable_state: if unknown { "unknown" } else { mergeable_state(state, pull, trial.as_ref()) },
        commits,
        additions: files.iter().map(|file| file.additions).sum(),
        deletions: files.iter().map(|file| file.deletions).sum(),
        changed_files: files.len(),
    };
    if unknown {
        state.unknown_mergeability -= 1;
    }
    if let Some(pull) = state.pulls.get_mut(&number) {
        pull.test_merge = trial;
    }
    Ok(state.pulls.get(&number).map(|pull| shape::pull(&world.links, state, pull, &found)))
}

/// The result of a trial merge, repeated if either side has moved.
async fn test_merge(world: &World, pull: &Pull) -> Result<Option<crate::state::TestMerge>, GitError> {
    let Some(base) = world.git.branch(&pull.base).await? else { return Ok(None) };
    if let Some(trial) = &pull.test_merge
        && (&trial.base, &trial.head) == (&base, &pull.head_sha)
    {
        return Ok(Some(trial.clone()));
    }
    let Some(base) = world.git.commit(&base).await? else { return Ok(None) };
    try_out(world, pull, &base).await.map(Some)
}

fn mergeable_state(state: &Facts, pull: &Pull, trial: Option<&crate::state::TestMerge>) -> &'static str {
    let Some(trial) = trial.filter(|_| pull.is_open()) else { return "unknown" };
    if trial.commit.is_none() {
        return "dirty";
    }
    if pull.is_draft {
        return "draft";
    }
    let passed = |check: &str| state.passed(&pull.head_sha, check);
    if state.protection.get(&pull.base).and_then(|protection| protection.against_merge(passed)).is_some() {
        return "blocked";
    }
    if state.has_open_checks(&pull.head_sha) { "unstable" } else { "clean" }
}
