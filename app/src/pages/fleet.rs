//! The fleet: every host at a glance.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Outlet;

use super::inside::Loading;
use crate::api::{CancelOp, RequestOp};
use crate::components::{
    BulkBar, FleetFilter, HostRow, Icon, NewestDeployment, NewestRollout, PullRequests, Refusal, RollOutLink,
    SelectAll, Selecting, Shown, Summary, action_from_address,
};
use crate::live::{Live, Started};

/// The fleet: every host at a glance. A dialog may be open over it.
#[component]
pub fn FleetPage() -> impl IntoView {
    let started = expect_context::<Started>();
    view! {
        <Title text="Fleet"/>
        <Suspense fallback=Loading>
            {move || Suspend::new(async move { started.live().await.ok().map(|live| view! { <Hosts live/> }) })}
        </Suspense>
        <Outlet/>
    }
    .into_any()
}

#[component]
fn Hosts(live: Live) -> impl IntoView {
    let (action, cancel) = (action_from_address::<RequestOp>(), action_from_address::<CancelOp>());
    let empty = Memo::new(move |_| live.rows().with(Vec::is_empty));
    let shown = Shown::by_address(live);
    Selecting::provide(shown.rows);
    let none_fits = move || !empty.get() && shown.rows.with(Vec::is_empty);
    view! {
        <div class="page">
            <div class="fleet-head">
                <h1>"Fleet"</h1>
                <Summary/>
                <RollOutLink shown=shown.rows/>
            </div>
            <Refusal action/>
            <Refusal action=cancel/>
            <NewestDeployment/>
            <NewestRollout/>
            <PullRequests/>
            <Show when=move || !empty.get()><FleetFilter shown/></Show>
            <div class="table-frame" class:empty=move || shown.rows.with(Vec::is_empty)>
                <table class="fleet">
                    <caption class="unseen">"Hosts and their lights"</caption>
                    <thead>
                        <tr>
                            <td class="select-cell"><SelectAll/></td>
                            <th scope="col">"Host"</th>
                            <th scope="col">"Agent"</th>
                            <th scope="col">"Git"</th>
                            <th scope="col">"Lock"</th>
                            <th scope="col">"System"</th>
                            <th scope="col">"Tests"</th>
                            <th scope="col">"Generation"</th>
                            <th scope="col">"Now"</th>
                            <th scope="col"><span class="unseen">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || shown.rows.get() key=|row| row.id let:row>
                            <HostRow row action cancel/>
                        </For>
                    </tbody>
                </table>
            </div>
            {move || none_fits().then(|| view! { <p class="fleet-none">"No host fits. "<a href="/">"Show all"</a></p> })}
            {move || empty.get().then(|| view! { <FirstHost/> })}
            <BulkBar/>
        </div>
    }
    .into_any()
}

/// The least that an agent's configuration says.
const CONFIGURATION: &str = r#"# /etc/backstay/agent.toml
server = "https://backstay.example.org"
name = "gpc0"
join_token_file = "/etc/backstay/join-token""#;

/// What to do while there is no host.
#[component]
fn FirstHost() -> impl IntoView {
    view! {
        <section class="first-host">
            <Icon name="anchor"/>
            <h2>"No host yet"</h2>
            <ol>
                <li>
                    <p>"On the server, make a join token for the host. It works once, for 24 hours."</p>
                    <pre><code>"backstay-server join-token --name gpc0"</code></pre>
                </li>
                <li>
                    <p>"On the host, put the token and this server's address into the agent's configuration."</p>
                    <pre><code>{CONFIGURATION}</code></pre>
                </li>
                <li>
                    <p>"Start the agent."</p>
                    <pre><code>"backstay-agent run --config /etc/backstay/agent.toml"</code></pre>
                </li>
                <li><p>"The host appears here by itself."</p></li>
            </ol>
        </section>
    }
    .into_any()
}
