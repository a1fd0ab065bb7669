//! The log-in page.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::api::{LogIn, local_path};
use crate::browser;
use crate::components::{ActionForm, Mark, PageTitle, Refusal, action_from_address};
use crate::routes::CODE;

/// The log-in page. It leads back to the page that the person wanted.
#[component]
pub fn LogInPage() -> impl IntoView {
    let action = action_from_address::<LogIn>();
    let query = use_query_map();
    // Most often only the password was wrong.
    Effect::new(move |_| {
        if action.value().with(|value| matches!(value, Some(Err(_)))) {
            browser::select("password");
        }
    });
    let asks_code = Memo::new(move |_| query.with(|q| q.get_str(CODE).is_some()));
    let next = move || query.with(|q| q.get_str("next").map_or("/", local_path).to_owned());
    view! {
        <PageTitle text="Log in"/>
        <main id="main" class="log-in">
            <h1><Mark/>"Backstay"</h1>
            <p class="motto">"Back to a state that is known to work."</p>
            // No other page leads here without loading this one from the server.
            <div inner_html=sso_part()></div>
            <ActionForm action=action>
                <Refusal action/>
                <input type="hidden" name="next" value=next/>
                {move || if asks_code.get() { code_field() } else { name_and_password() }}
                <button type="submit" class="primary" disabled=action.pending()>"Log in"</button>
            </ActionForm>
            {move || (!asks_code.get()).then(forgot)}
        </main>
    }
}

/// The way to the single sign-on provider, and what came of the last attempt. The server alone writes it.
fn sso_part() -> String {
    #[cfg(feature = "ssr")]
    return super::sso::log_in_part();
    #[cfg(not(feature = "ssr"))]
    String::new()
}

fn forgot() -> impl IntoView {
    view! {
        <p class="faint forgot">
            "Forgot your password? An administrator sets a new one on the server: "
            <code>"backstay-server set-password NAME"</code>
        </p>
    }
}

fn name_and_password() -> AnyView {
    view! {
        <label>
            "Name"
            <input type="text" name="name" autocomplete="username" autocapitalize="none" spellcheck="false"
                required maxlength="64" autofocus/>
        </label>
        <label>
            "Password"
            <input type="password" id="password" name="password" autocomplete="current-password" required maxlength="1024"/>
        </label>
    }
    .into_any()
}

/// What a person with a second factor enters after name and password.
fn code_field() -> AnyView {
    view! {
        <label>
            "Code from your authenticator app, or a recovery code"
            <input type="text" id="code" name="code" autocomplete="one-time-code" autocapitalize="none"
                spellcheck="false" required maxlength="40" autofocus/>
        </label>
    }
    .into_any()
}
