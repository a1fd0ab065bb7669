//! People and apps.

use serde_json::{Value, json};

use super::{Links, node_id};

/// A number that is always the same for a name.
pub(super) fn number_of(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    1_000_000 + hash % 99_000_000
}

/// The address that GitHub gives everybody, so that their own stays private.
pub(crate) fn email_of(login: &str) -> String {
    format!("{}+{login}@users.noreply.github.com", number_of(login))
}

/// Returns the login of an address that GitHub gave.
pub(super) fn login_of(email: &str) -> Option<&str> {
    if email == "noreply@github.com" {
        return Some("web-flow");
    }
    let name = email.strip_suffix("@users.noreply.github.com")?;
    Some(name.split_once('+').map_or(name, |(_, login)| login))
}

/// A user, as others see them.
pub(crate) fn user(links: &Links, login: &str) -> Value {
    let id = number_of(login);
    let is_bot = login.ends_with("[bot]");
    let path = format!("users/{}", login.replace('[', "%5B").replace(']', "%5D"));
    let at = |rest: &str| links.api(&format!("{path}{rest}"));
    json!({
        "login": login,
        "id": id,
        "node_id": node_id(if is_bot { "Bot" } else { "User" }, id),
        "avatar_url": format!("{}/avatars/{id}?v=4", links.root),
        "gravatar_id": "",
        "url": at(""),
        "html_url": format!("{}/{}", links.root, login.trim_end_matches("[bot]")),
        "followers_url": at("/followers"),
        "following_url": at("/following{/other_user}"),
        "gists_url": at("/gists{/gist_id}"),
        "starred_url": at("/starred{/owner}{/repo}"),
        "subscriptions_url": at("/subscriptions"),
        "organizations_url": at("/orgs"),
        "repos_url": at("/repos"),
        "events_url": at("/events{/privacy}"),
        "received_events_url": at("/received_events"),
        "type": if is_bot { "Bot" } else { "User" },
        "user_view_type": "public",
        "site_admin": false,
    })
}
