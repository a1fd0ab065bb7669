//! Comparing two generations of a host, or what two hosts run.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::WrittenPage;
use crate::ApiError;

/// How long a page waits for a host. The answer of a slower one is there after a reload.
#[cfg(feature = "ssr")]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

/// What going to another generation changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// In one line: “15 commits, 140 packages”; or why that is not known.
    pub line: String,
    /// Whether a reboot is needed, if the host could say.
    pub reboot: Option<bool>,
    /// All of it, as markup that the server wrote; empty if it is not known.
    pub html: String,
}

/// Asks the host what going from one generation to another changes, both as
/// [`reference_to_text`](super::reference_to_text) writes them. This may take a while.
///
/// # Errors
/// [`ApiError`] with the reason in a sentence.
#[server(endpoint = "compare_generations")]
pub async fn compare_generations(
    /// The host's name.
    host: String,
    /// The generation to start from.
    from: String,
    /// The generation to go to.
    to: String,
) -> Result<Changes, ApiError> {
    use super::reference_from_text;
    use crate::pages::compare::{changes, in_one_line};
    use crate::session;

    session::permitted::<CompareGenerations>().await?;
    let name = super::host_name(&host)?;
    let chosen = |text: &str| {
        reference_from_text(text)
            .ok_or_else(|| ApiError::said("That is not a generation. No request was sent."))
    };
    let fleet = session::fleet()?;
    // A host that is away is nothing that went wrong: the page asks without being told to.
    let compared = match fleet.compare(name, chosen(&from)?, chosen(&to)?).await {
        Ok(compared) => compared,
        Err(why) => return Ok(Changes { line: why.to_string(), reboot: None, html: String::new() }),
    };
    Ok(Changes {
        line: in_one_line(&compared),
        reboot: compared.reboot.as_ref().ok().map(backstay_model::comparison::Reboot::is_needed),
        html: changes(compared, fleet.repository_address().as_deref()).to_html(),
    })
}

/// Writes the page that compares two generations of a host, “47..48”, or two hosts, or that offers the hosts to
/// compare one with, “gpc0..”. `None` if there is no such
/// host or generation.
#[cfg(feature = "ssr")]
pub(super) async fn comparison(host: Option<&str>, pair: &str) -> Result<Option<WrittenPage>, ApiError> {
    let Some((one, other)) = pair.split_once("..") else { return Ok(None) };
    match host {
        Some(host) => two_generations(host, one, other).await,
        None => two_hosts(one, other).await,
    }
}

#[cfg(feature = "ssr")]
async fn two_generations(host: &str, one: &str, other: &str) -> Result<Option<WrittenPage>, ApiError> {
    use crate::pages::compare::generations;
    use crate::session;

    let fleet = session::fleet()?;
    let Ok(name) = super::host_name(host) else { return Ok(None) };
    let Some(plan) = fleet.rollback_plan(name).await.map_err(session::database)? else { return Ok(None) };
    let find = |number: &str| {
        let number = number.parse().ok()?;
        let current = Some(&plan.current).filter(|current| current.generation.number == number);
        plan.candidate(number).or(current)
    };
    let (Some(from), Some(to)) = (find(one), find(other)) else { return Ok(None) };
    let [old, new] = [from, to].map(|side| side.generation.reference());
    let title = format!("{old} → {new} - {name}");
    let compared = fleet.compare_within(PATIENCE, name, old, new).await;
    let compared = compared.map_err(|error| ApiError::said(error.to_string()));
    let html = generations(&plan, [from, to], compared, fleet.repository_address().as_deref()).to_html();
    Ok(Some(WrittenPage { title, html }))
}

#[cfg(feature = "ssr")]
async fn two_hosts(one: &str, other: &str) -> Result<Option<WrittenPage>, ApiError> {
    use crate::pages::compare::{hosts, other_hosts};
    use crate::session;

    let fleet = session::fleet()?;
    let published = fleet.snapshot().await.map_err(session::database)?;
    let find = |name: &str| published.hosts.iter().find(|host| host.name == name);
    let Some(one) = find(one) else { return Ok(None) };
    if other.is_empty() {
        let title = format!("Compare {}", one.name);
        return Ok(Some(WrittenPage { title, html: other_hosts(one, &published.hosts).to_html() }));
    }
    let Some(other) = find(other) else { return Ok(None) };
    let title = format!("{} and {}", one.name, other.name);
    let html = hosts(one, other, fleet.repository_address().as_deref()).to_html();
    Ok(Some(WrittenPage { title, html }))
}
