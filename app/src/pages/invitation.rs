//! The page on which an invited person chooses a password. It needs no script, and has none but that of times.

use backstay_fleet::store::Invitation;
use leptos::prelude::*;
use server_fn::ServerFn;

use super::account::new_password;
use super::people::in_words;
use crate::api::AcceptInvitation;
use crate::components::{Mark, Until};
use crate::routes::Route;
use crate::said;
use crate::shell::PlainDocument;

/// An open invitation and the secret of its link; the server provides it as context.
#[derive(Debug, Clone)]
pub struct OpenInvitation {
    /// The secret.
    pub secret: String,
    /// The invitation, or `None` if the link is no longer valid.
    pub invitation: Option<Invitation>,
}

/// The page of the link of an invitation.
pub fn invitation(options: &LeptosOptions, version: &str) -> impl IntoView + use<> {
    let open = use_context::<OpenInvitation>();
    let said = said::take().map(|said| in_words(said, ""));
    let body = match open.and_then(|open| Some((open.secret, open.invitation?))) {
        Some((secret, invitation)) => form(secret, &invitation),
        None => gone(),
    };
    view! {
        <PlainDocument options=options.clone() version=version.to_owned() title="Invitation · Backstay">
            <main id="main" class="log-in">
                <h1><Mark/>"Backstay"</h1>
                {said}
                {body}
            </main>
        </PlainDocument>
    }
}

fn form(secret: String, invitation: &Invitation) -> AnyView {
    view! {
        <p class="motto">
            {format!("{} invites you as {}. This link expires ", invitation.invited_by, invitation.role)}
            <Until at=invitation.expires_at/>"."
        </p>
        <form method="post" action=AcceptInvitation::PATH>
            <input type="hidden" name="invitation" value=secret/>
            <label>
                "Name"
                <input type="text" value=invitation.name.clone() autocomplete="username" readonly/>
            </label>
            {new_password("Password")}
            <button type="submit" class="primary">"Join"</button>
        </form>
    }
    .into_any()
}

fn gone() -> AnyView {
    crate::session::not_found();
    view! {
        <p class="refusal">"This invitation is no longer valid. Ask an administrator for a new one."</p>
        <p><a href=Route::LogIn { next: None }.path()>"Log in"</a></p>
    }
    .into_any()
}
