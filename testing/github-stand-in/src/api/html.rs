//! Pages for people: enough for the demo's links to lead somewhere.

use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;

use crate::world::World;

/// `/OWNER/NAME/pull/42`, `/OWNER/NAME/commit/…`: only if the API does not begin at the root.
pub(crate) async fn page(world: &World, path: &str) -> Response {
    let within = path.strip_prefix(&format!("/{}/{}", world.links.owner, world.links.name));
    let words: Vec<&str> = within.unwrap_or_default().split('/').collect();
    let said = match words[..] {
        ["", "pull", number] => pull(world, number).await,
        ["", "commit", sha] => commit(world, sha).await,
        _ => None,
    };
    match said {
        Some((title, text)) => Html(format!(
            "<!DOCTYPE html><html lang=\"en\"><title>{0}</title><h1>{0}</h1><pre>{1}</pre><p>A stand-in for GitHub.</p>",
            escaped(&title),
            escaped(&text)
        ))
        .into_response(),
        None => (StatusCode::NOT_FOUND, Html("<!DOCTYPE html><title>Not found</title><p>Not found.</p>")).into_response(),
    }
}

async fn pull(world: &World, number: &str) -> Option<(String, String)> {
    let state = world.state.lock().await;
    let pull = state.pulls.get(&number.parse().ok()?)?;
    let fate = match (&pull.merged, pull.is_open()) {
        (Some(merged), _) => format!("merged as {}", merged.sha),
        (None, true) => format!("open, from {} into {}", pull.head, pull.base),
        (None, false) => "closed".to_owned(),
    };
    let text = format!("{fate}\n\n{}", pull.body.as_deref().unwrap_or_default());
    Some((format!("{} #{}", pull.title, pull.number), text))
}

async fn commit(world: &World, sha: &str) -> Option<(String, String)> {
    let commit = crate::push::resolve(world, sha).await.ok().flatten()?;
    Some((commit.sha, commit.message))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
