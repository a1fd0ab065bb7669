//! The steps to add a host, with the commands to copy.

use std::collections::BTreeSet;

use backstay_model::wire::limits::HOST_NAME_CHARS;
use backstay_model::{Action, HostId};
use leptos::prelude::*;

use crate::api::{Address, MakeJoinToken};
use crate::browser;
use crate::components::{Copyable, Refusal};
use crate::live::Live;
use crate::routes::Route;

/// Stands for the host's name in the blocks to copy until a person enters one.
const NO_NAME: &str = "NAME";

/// The steps to add a host: a token, the agent's configuration, and its start, each ready to copy.
#[component]
pub(crate) fn AddHost() -> impl IntoView {
    let live = expect_context::<Live>();
    let action = ServerAction::<MakeJoinToken>::new();
    let name = RwSignal::new(String::new());
    let named = Memo::new(move |_| {
        let name = name.get().trim().to_owned();
        if name.is_empty() { NO_NAME.to_owned() } else { name }
    });
    let address = server_address(live);
    let configuration = move || address.with(|address| named.with(|name| configuration(address, name)));
    let may_make = untrack(|| live.may(Action::JoinToken, None));
    view! {
        <div class="add-host">
            <label class="add-host-name alive">
                "Host name"
                <input
                    type="text"
                    maxlength=HOST_NAME_CHARS.to_string()
                    placeholder="e.g. gpc0"
                    autocomplete="off"
                    spellcheck="false"
                    on:input=move |event| name.set(event_target_value(&event))
                />
            </label>
            <ol>
                <li>
                    <p>"Create a join token. It admits one host, once, within a day. On the server:"</p>
                    <Copyable
                        text=Signal::derive(move || format!("backstay-server join-token --name {}", named.get()))
                        what="the command that creates a join token"
                    />
                    {may_make.then(|| view! { <Token action named=name/> })}
                </li>
                <li>
                    <p>
                        "On the host, as root, put the token into a file that only the agent can read: paste it, then press Enter and Ctrl-D. \
                        For home-manager, do this as the user, in a folder that the user owns."
                    </p>
                    <Copyable
                        text=Signal::derive(|| TOKEN_FILE.to_owned())
                        what="the command that writes the join token"
                    />
                </li>
                <li>
                    <p>"Configure the agent in "<code>"/etc/backstay/agent.toml"</code>":"</p>
                    <Copyable text=Signal::derive(configuration) what="the agent’s configuration"/>
                </li>
                <li>
                    <p>"Start the agent: as root on NixOS and nix-darwin, as the user for home-manager."</p>
                    <Copyable
                        text=Signal::derive(|| START.to_owned())
                        what="the command that starts the agent"
                    />
                </li>
                <li><Arrivals live/></li>
            </ol>
        </div>
    }
}

const TOKEN_FILE: &str = "install -D -m 600 /dev/stdin /etc/backstay/join-token";
const START: &str = "backstay-agent run --config /etc/backstay/agent.toml";

/// A minimal configuration of an agent.
fn configuration(server: &str, name: &str) -> String {
    format!(
        "server = \"{server}\"\n\
         name = \"{name}\"\n\
         platform = \"nixos\"   # or darwin, home-manager\n\
         join_token_file = \"/etc/backstay/join-token\"\n\
         \n\
         [checkout]\n\
         path = \"/etc/nixos\"   # its configuration repository"
    )
}

/// This server's address: from its configuration; otherwise from the request, and once the page is alive,
/// from the browser.
fn server_address(live: Live) -> RwSignal<String> {
    let Address { origin, is_configured } = live.address().get_untracked();
    let address = RwSignal::new(origin);
    Effect::new(move |_| {
        if let Some(origin) = browser::origin().filter(|_| !is_configured) {
            address.set(origin);
        }
    });
    address
}

/// Creates a token on this page. Only once the page is alive: the answer to a plain form would be lost.
#[component]
fn Token(action: ServerAction<MakeJoinToken>, named: RwSignal<String>) -> impl IntoView {
    let pending = action.pending();
    let made = Memo::new(move |_| action.value().get().and_then(Result::ok));
    let make = move |_| {
        action.dispatch(MakeJoinToken { host: named.get_untracked().trim().to_owned() });
    };
    view! {
        <div class="add-host-token alive">
            <button type="button" disabled=pending on:click=make>
                {move || match named.with(|name| name.trim().to_owned()).as_str() {
                    "" => "Create a token for any host".to_owned(),
                    name => format!("Create a token for {name}"),
                }}
            </button>
            <span class="faint">"does the same. The audit log records it under your name."</span>
        </div>
        <Refusal action=Signal::derive(move || action.value().get().and_then(Result::err))/>
        <div role="status">
            {move || made.get().map(|token| view! {
                <p class="banner">"This is the token. It is shown only once: copy it now."</p>
                <Copyable text=Signal::derive(move || token.clone()) what="the join token"/>
            })}
        </div>
    }
}

/// The hosts that connected while the page was open.
#[component]
fn Arrivals(live: Live) -> impl IntoView {
    let before: BTreeSet<HostId> = live.rows().with_untracked(|rows| rows.iter().map(|row| row.id).collect());
    let came = Memo::new(move |_| {
        live.rows().with(|rows| {
            let new = rows.iter().filter(|row| !before.contains(&row.id));
            new.map(|row| row.name.clone()).collect::<Vec<_>>()
        })
    });
    view! {
        <div role="status">
            {move || match came.get() {
                came if came.is_empty() => view! { <p>"The host appears here once its agent connects."</p> }.into_any(),
                came => came
                    .into_iter()
                    .map(|name| view! { <p class="add-host-came"><a href=Route::Host(&name).path()>{name.clone()}</a>" has connected."</p> })
                    .collect_view()
                    .into_any(),
            }}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_names_this_server() {
        let text = configuration("https://backstay.test", "web-1");
        assert!(text.starts_with("server = \"https://backstay.test\"\nname = \"web-1\"\n"), "{text}");
    }
}
