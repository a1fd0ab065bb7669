//! What pages say of single sign-on. The server alone writes it.

use backstay_fleet::accounts::Passwords;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::people::in_words;
use crate::api::local_path;
use crate::routes::CODE;
use crate::{said, session, sso};

/// The part of the log-in page above the form of the password: what came of the last attempt, and the way to the provider. While the
/// form is not for everybody, it is folded.
pub(super) fn log_in_part() -> String {
    let said = said::take().map(|said| in_words(said, ""));
    let Ok(fleet) = session::fleet() else { return String::new() };
    let (accounts, query) = (fleet.accounts(), use_query_map().get_untracked());
    let way = accounts.sso().filter(|_| query.get_str(CODE).is_none()).map(|provider| {
        let next = query.get_str("next").map_or("/", local_path);
        view! {
            <p>{link(&format!("Log in with {}", provider.name()), next, false)}</p>
            {fold(accounts.passwords(), query.get_str("__err").is_some())}
        }
    });
    if said.is_none() && way.is_none() {
        return String::new();
    }
    view! { <div class="said">{said}{way}</div> }.to_html()
}

/// Folds the form that follows, by the style sheet, unless it is for everybody.
fn fold(passwords: Passwords, is_open: bool) -> AnyView {
    match passwords {
        Passwords::Everybody => ().into_any(),
        Passwords::Administrators => view! {
            <details class="changes-rest" open=is_open><summary>"Administrators: log in with a password"</summary></details>
        }
        .into_any(),
        Passwords::Never => view! { <details hidden></details> }.into_any(),
    }
}

/// A link to the provider. It is no form: the pages' policy lets forms lead nowhere else.
fn link(words: &str, next: &str, confirms: bool) -> impl IntoView + use<> {
    view! { <a class="button primary" href=sso::address(next, confirms) rel="external">{words.to_owned()}</a> }
}

/// The content of the page on which somebody proves again who they are, with the provider.
pub(super) fn confirm_part(next: &str, provider: &str) -> AnyView {
    view! {
        <p>"Nothing was changed yet. Confirm, and then repeat what you were about to do."</p>
        <p>{link(&format!("Confirm with {provider}"), next, true)}</p>
    }
    .into_any()
}

/// What the account page says in place of a password and a second factor.
pub(super) fn account_part(provider: Option<&str>) -> AnyView {
    let provider = provider.unwrap_or("single sign-on");
    view! {
        <section class="card" aria-labelledby="sso">
            <h2 id="sso">"Log-in"</h2>
            <p>
                {format!(
                    "You log in through {provider}. Your password and your second factor are there, and your groups there decide \
                     your roles here, at each log-in.",
                )}
            </p>
        </section>
    }
    .into_any()
}
