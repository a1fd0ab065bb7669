//! GitHub Apps.

use serde_json::{Value, json};

use super::{Links, node_id, user};
use crate::state::{App, Permission};

/// When the app was made and installed.
const MADE: &str = "2024-01-04T11:56:00Z";
/// The events that it subscribes to.
const EVENTS: [&str; 2] = ["push", "pull_request"];

fn permissions(app: &App) -> Value {
    let level = if app.permission >= Permission::Write { "write" } else { "read" };
    json!({ "metadata": "read", "contents": level, "pull_requests": level, "checks": "read" })
}

/// `GET /app`
pub(crate) fn integration(links: &Links, app: &App) -> Value {
    json!({
        "id": app.id,
        "slug": app.slug,
        "node_id": node_id("Integration", app.id),
        "client_id": format!("Iv1.{:016x}", app.id),
        "owner": user(links, &links.owner),
        "name": app.slug,
        "description": null,
        "external_url": links.root,
        "html_url": format!("{}/apps/{}", links.root, app.slug),
        "created_at": MADE,
        "updated_at": MADE,
        "permissions": permissions(app),
        "events": EVENTS,
        "installations_count": 1,
    })
}

/// `GET installation`, of the repository.
pub(crate) fn installation(links: &Links, app: &App) -> Value {
    let owner = user(links, &links.owner);
    json!({
        "id": app.installation,
        "account": owner,
        "repository_selection": "selected",
        "access_tokens_url": links.api(&format!("app/installations/{}/access_tokens", app.installation)),
        "repositories_url": links.api("installation/repositories"),
        "html_url": format!("{}/settings/installations/{}", links.root, app.installation),
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": owner["id"],
        "target_type": "User",
        "permissions": permissions(app),
        "events": EVENTS,
        "created_at": MADE,
        "updated_at": MADE,
        "single_file_name": null,
        "has_multiple_single_files": false,
        "single_file_paths": [],
        "suspended_by": null,
        "suspended_at": null,
    })
}
