//! `contents`: files and folders at a commit.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use base64::Engine as _;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::git::{Entry, FolderEntry};
use crate::push::resolve;
use crate::shape::in_address;
use crate::web::{Answered, Problem, Refusal, ok};
use crate::world::World;

/// Up to this size a file's content is in the JSON.
const IN_JSON: usize = 1024 * 1024;
/// Up to this size it is available raw.
const RAW: usize = 100 * 1024 * 1024;
/// GitHub breaks base64 into lines of this length.
const LINE: usize = 60;

#[derive(Deserialize)]
pub(super) struct At {
    r#ref: Option<String>,
}

pub(super) async fn show(
    State(world): State<Arc<World>>,
    Path(path): Path<String>,
    Query(at): Query<At>,
    headers: HeaderMap,
) -> Answered {
    let state = world.state.lock().await;
    let name = at.r#ref.unwrap_or_else(|| state.default_branch.clone());
    let no_commit = || Refusal::new(StatusCode::NOT_FOUND, format!("No commit found for the ref {name}"));
    let commit = resolve(&world, &name).await?.ok_or_else(no_commit)?;
    let path = path.trim_matches('/');
    match world.git.entry(&commit.sha, path).await?.ok_or_else(Refusal::not_found)? {
        Entry::File { data, .. } if data.len() > RAW => Err(too_large()),
        Entry::File { data, .. } if accepts_raw(&headers) => {
            Ok(([(header::CONTENT_TYPE, "application/vnd.github.raw+json; charset=utf-8")], data)
                .into_response())
        }
        Entry::File { sha, data } => {
            let mut shape = entry(&world, &name, path, &sha, data.len() as u64, false);
            let is_shown = data.len() <= IN_JSON;
            shape["encoding"] = json!(if is_shown { "base64" } else { "none" });
            shape["content"] = json!(if is_shown { in_lines(&data) } else { String::new() });
            ok(&shape)
        }
        Entry::Folder { entries } => {
            let shapes = entries.iter().map(|found: &FolderEntry| {
                let path = format!("{path}/{}", found.name);
                entry(&world, &name, path.trim_start_matches('/'), &found.sha, found.size, found.is_folder)
            });
            ok(&Value::Array(shapes.collect()))
        }
    }
}

fn accepts_raw(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.starts_with("application/vnd.github") && accept.contains("raw"))
}

fn too_large() -> Refusal {
    let mut problem = Problem { resource: "Blob", field: Some("data"), code: "too_large", message: None };
    problem.message = Some("This API returns blobs up to 100 MB in size.".to_owned());
    Refusal::invalid(problem)
}

fn in_lines(data: &[u8]) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(data);
    let lines = encoded.as_bytes().chunks(LINE).map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
    lines.collect()
}

fn entry(world: &World, name: &str, path: &str, sha: &str, size: u64, is_folder: bool) -> Value {
    let address = in_address(path);
    let (kind, object) = if is_folder { ("tree", "dir") } else { ("blob", "file") };
    let url = world.links.repo(&format!("contents/{address}?ref={}", in_address(name)));
    let git = world.links.repo(&format!("git/{kind}s/{sha}"));
    let html = world.links.page(&format!("{kind}/{}/{address}", in_address(name)));
    let download = (!is_folder).then(|| world.links.page(&format!("raw/{}/{address}", in_address(name))));
    json!({
        "type": object,
        "name": path.rsplit('/').next().unwrap_or(path),
        "path": path,
        "sha": sha,
        "size": size,
        "url": url,
        "git_url": git,
        "html_url": html,
        "download_url": download,
        "_links": { "self": url, "git": git, "html": html },
    })
}
