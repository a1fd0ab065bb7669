//! `compare`: how two commits relate.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde_json::{Value, json};

use crate::push::resolve;
use crate::shape;
use crate::web::{Answered, OriginalUri, Page, Refusal, ok};
use crate::world::World;

/// Upper bound on the files in an answer.
const FILES: usize = 300;

pub(super) async fn show(
    State(world): State<Arc<World>>,
    Path(range): Path<String>,
    Query(page): Query<Page>,
    Extension(OriginalUri(uri)): Extension<OriginalUri>,
) -> Answered {
    let _one_at_a_time = world.state.lock().await;
    let (base, head) = range.split_once("...").ok_or_else(Refusal::not_found)?;
    let base_commit = resolve(&world, base).await?.ok_or_else(Refusal::not_found)?;
    let head_commit = resolve(&world, head).await?.ok_or_else(Refusal::not_found)?;
    let no_ancestor =
        || Refusal::new(StatusCode::NOT_FOUND, format!("No common ancestor between {base} and {head}."));
    let merge_base =
        world.git.merge_base(&base_commit.sha, &head_commit.sha).await?.ok_or_else(no_ancestor)?;
    let merge_base = world.git.commit(&merge_base).await?.ok_or_else(no_ancestor)?;
    let ahead = world.git.between(&base_commit.sha, &head_commit.sha).await?;
    let behind = world.git.between(&head_commit.sha, &base_commit.sha).await?.len();
    let status = match (ahead.len(), behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let total = ahead.len();
    let (shown, has_more) = page.of(ahead);
    let commits = world.git.commits(&shown).await?;
    let files = world.git.changed_files(Some(&merge_base.sha), &head_commit.sha).await?;
    let commit = |commit| shape::commit(&world.links, commit);
    let page_address = world.links.page(&format!("compare/{base}...{head}"));
    let body = json!({
        "url": world.links.repo(&format!("compare/{base}...{head}")),
        "html_url": page_address,
        "permalink_url": world.links.page(&format!("compare/{}...{}", base_commit.sha, head_commit.sha)),
        "diff_url": format!("{page_address}.diff"),
        "patch_url": format!("{page_address}.patch"),
        "base_commit": commit(&base_commit),
        "merge_base_commit": commit(&merge_base),
        "status": status,
        "ahead_by": total,
        "behind_by": behind,
        "total_commits": total,
        "commits": commits.iter().map(commit).collect::<Vec<Value>>(),
        "files": files.iter().take(FILES).map(|file| shape::file(&world.links, &head_commit.sha, file)).collect::<Vec<_>>(),
    });
    Ok(page.link(ok(&body)?, &world.links.root, &uri, has_more))
}
