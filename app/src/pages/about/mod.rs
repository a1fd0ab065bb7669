//! The versions of the server and of the agents, and what the server keeps.

#[cfg(feature = "ssr")]
mod storage;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use backstay_model::view::About;
use leptos::prelude::*;

use super::inside::{Loading, NotRead};
use crate::api::{AboutPageData, load_about};
use crate::components::{Ago, Icon, Mark, PageTitle, asking};
use crate::live::{Live, Started};

/// The versions of the server and of the agents, and what the server keeps.
#[component]
pub fn AboutPage() -> impl IntoView {
    let started = expect_context::<Started>();
    let about = Resource::new_blocking(|| (), |()| load_about());
    view! {
        <PageTitle text="About"/>
        <div class="page-head"><h1>"About"</h1></div>
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match started.and(about).await {
                    Ok(AboutPageData { about, storage }) => view! {
                        <Server about/>
                        <Agents/>
                        <section aria-labelledby="about-storage" inner_html=storage></section>
                    }
                    .into_any(),
                    Err(error) => view! { <NotRead error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[cfg(feature = "ssr")]
pub(crate) use storage::storage;

#[component]
fn Server(about: About) -> impl IntoView {
    let repository = about.repository.map(|name| view! { <div><dt>"Repository"</dt><dd>{name}</dd></div> });
    view! {
        <section class="card about-server" aria-labelledby="about-server">
            <Mark/>
            <div>
                <h2 id="about-server">"Backstay "{about.server_version}</h2>
                <dl class="facts">
                    <div><dt>"Started"</dt><dd><Ago at=about.started_at/></dd></div>
                    {repository}
                    <div><dt>"Licence"</dt><dd>"MIT or Apache-2.0"</dd></div>
                </dl>
            </div>
        </section>
    }
}

/// The agents' versions, each with the number of its hosts, the most frequent first.
#[component]
fn Agents() -> impl IntoView {
    let live = expect_context::<Live>();
    let versions = Memo::new(move |_| {
        live.rows()
            .with(|rows| by_version(rows.iter().map(|row| row.host.with(|host| host.agent_version.clone()))))
    });
    let rows = move || {
        let row = |(version, count)| view! { <Version version count/> };
        versions.get().into_iter().map(row).collect_view()
    };
    view! {
        <section aria-labelledby="about-agents">
            <h2 id="about-agents">"Agents"</h2>
            <div class="table-frame card">
                <table class="plain agents">
                    <thead>
                        <tr>
                            <th scope="col">"Version"</th>
                            <th scope="col">"Version check"</th>
                            <th scope="col">"Hosts"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {move || versions.with(Vec::is_empty).then(|| view! { <p class="faint">"No host has an agent yet."</p> })}
        </section>
    }
}

/// One version of the agent, and a link to its hosts.
#[component]
fn Version(version: Option<String>, count: usize) -> impl IntoView {
    let server = expect_context::<Live>().server_version();
    let same = server.with_untracked(|server| version.as_deref() == Some(server.as_str()));
    let (state, words) = match (&version, same) {
        (Some(_), true) => ("ok", "same as the server"),
        (Some(_), false) => ("attention", "differs from the server"),
        (None, _) => ("unknown", "never connected"),
    };
    let query =
        version.as_ref().map_or_else(|| "agent:unknown".to_owned(), |it| format!("agent-version:{it}"));
    let hosts = if count == 1 { "1 host".to_owned() } else { format!("{count} hosts") };
    view! {
        <tr>
            <th scope="row">{version.unwrap_or_else(|| "Unknown".to_owned())}</th>
            <td data-title="Version check">
                <span class="compared" data-state=state><Icon name=state/>{words}</span>
            </td>
            <td data-title="Hosts"><a href=asking(&query)>{hosts}</a></td>
        </tr>
    }
}

/// Counts the versions, the most frequent first.
fn by_version(hosts: impl Iterator<Item = Option<String>>) -> Vec<(Option<String>, usize)> {
    let mut versions: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for version in hosts {
        *versions.entry(version).or_default() += 1;
    }
    let mut versions: Vec<_> = versions.into_iter().collect();
    versions.sort_by_key(|(_, count)| Reverse(*count));
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_version_is_the_first() {
        let hosts = [Some("0.1.0"), None, Some("0.2.0"), Some("0.2.0")].map(|it| it.map(str::to_owned));
        let versions = by_version(hosts.into_iter());
        assert_eq!(versions, [(Some("0.2.0".into()), 2), (None, 1), (Some("0.1.0".into()), 1)]);
    }
}
