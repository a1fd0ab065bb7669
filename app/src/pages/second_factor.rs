//! The second factor on a person's own account. The server alone writes it.

use std::fmt::Write as _;

use backstay_fleet::accounts::{NewSeed, OwnSecondFactor};
use leptos::prelude::*;
use server_fn::ServerFn;

use super::people::in_words;
use super::sso::confirm_part;
use crate::api::{BeginSecondFactor, ConfirmPerson, ConfirmSecondFactor, RemoveSecondFactor};
use crate::said::Said;

/// Light modules around a QR code (ISO/IEC 18004).
const QUIET: usize = 4;

/// The content of the section.
pub(super) fn second_factor(factor: OwnSecondFactor) -> AnyView {
    match factor {
        OwnSecondFactor::Unavailable => {
            view! { <p class="faint">"This server has no master key, so nobody can set up a second factor."</p> }.into_any()
        }
        OwnSecondFactor::Off => view! {
            <p>"With a second factor, each log-in also takes a code from an authenticator app."</p>
            <form method="post" action=BeginSecondFactor::PATH class="plain-forms">
                <button type="submit">"Set up a second factor"</button>
            </form>
        }
        .into_any(),
        OwnSecondFactor::SettingUp(seed) => setting_up(seed),
        OwnSecondFactor::On(left) => view! {
            <p>{format!("Each log-in takes a code. {left} recovery codes are left.")}</p>
            <form method="post" action=RemoveSecondFactor::PATH class="plain-forms">
                {code("Code, or a recovery code")}
                <button type="submit" class="danger">"Turn off"</button>
            </form>
        }
        .into_any(),
    }
}

fn setting_up(seed: NewSeed) -> AnyView {
    let groups: Vec<_> = seed.base32.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    view! {
        <p>"Scan this with an authenticator app, or type the key into it. Then enter the code that it shows."</p>
        {picture(&seed.qr)}
        <p><code>{groups.join(" ")}</code></p>
        <form method="post" action=ConfirmSecondFactor::PATH class="plain-forms">
            <label>
                "Your password"
                <input type="password" name="password" autocomplete="current-password" required maxlength="1024"/>
            </label>
            {code("Code")}
            <button type="submit" class="primary">"Turn on"</button>
        </form>
    }
    .into_any()
}

/// The field of a code.
pub(super) fn code(label: &'static str) -> impl IntoView {
    view! {
        <label>
            {label}
            <input type="text" name="code" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false"
                required maxlength="40"/>
        </label>
    }
}

/// A QR code as a picture: black on white in both themes, because many devices read no other.
fn picture(rows: &[Vec<bool>]) -> AnyView {
    let size = rows.len() + 2 * QUIET;
    let mut path = String::new();
    for (y, row) in rows.iter().enumerate() {
        for (x, _) in row.iter().enumerate().filter(|(_, dark)| **dark) {
            // Writing to a string does not fail.
            let _ = write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    view! {
        <svg class="qr" viewBox=format!("0 0 {size} {size}") width="220" height="220" role="img" aria-label="QR code of the key"
            shape-rendering="crispEdges">
            <rect width="100%" height="100%" fill="white"/>
            <path d=path fill="black"/>
        </svg>
    }
    .into_any()
}

/// How a person proves again who they are.
pub(crate) enum Proof<'a> {
    /// With a code.
    Code,
    /// With the password.
    Password,
    /// At this provider.
    Provider(&'a str),
}

/// The page on which a person proves again who they are, before it leads back to `next`.
pub(crate) fn confirm(next: &str, proof: &Proof<'_>, said: Option<Said>) -> AnyView {
    let part = match proof {
        Proof::Provider(name) => confirm_part(next, name),
        Proof::Code => confirm_form(next, true),
        Proof::Password => confirm_form(next, false),
    };
    view! {
        <div class="page-head"><h1>"Confirm that it is you"</h1></div>
        {said.map(|said| in_words(said, ""))}
        <section class="card">{part}</section>
    }
    .into_any()
}

fn confirm_form(next: &str, takes_code: bool) -> AnyView {
    let field = if takes_code {
        code("Code from your authenticator app, or a recovery code").into_any()
    } else {
        view! {
            <label>
                "Password"
                <input type="password" name="code" autocomplete="current-password" required maxlength="1024"/>
            </label>
        }
        .into_any()
    };
    view! {
        <p>"Nothing was changed yet. Confirm, and then repeat what you were about to do."</p>
        <form method="post" action=ConfirmPerson::PATH class="plain-forms">
            <input type="hidden" name="next" value=next.to_owned()/>
            {field}
            <button type="submit" class="primary">"Confirm"</button>
        </form>
    }
    .into_any()
}
