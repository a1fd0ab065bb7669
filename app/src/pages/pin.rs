//! The page on which a generation of a host is pinned. The server alone writes it.

use backstay_model::rollback::Candidate;
use backstay_model::{Action, HostView, PIN_NOTE_CHARS, Person};
use leptos::prelude::*;
use server_fn::ServerFn;

use super::people::in_words;
use crate::api::{PinGeneration, UnpinGeneration, reference_to_text};
use crate::components::{generation_name, requires};
use crate::routes::Route;
use crate::said::Said;

/// The content of the page.
pub(crate) fn pin(reader: &Person, host: &HostView, candidate: &Candidate, said: Option<Said>) -> AnyView {
    let may_pin = reader.require_on(Action::SetUpHost, &host.traits()).is_ok();
    let host = host.name.as_str();
    let page = Route::Host(host).path();
    let is_gone = candidate.unavailable_reason().is_some() && candidate.pin.is_none();
    let body = if !may_pin {
        view! { <p class="banner">{requires("Pinning", Action::SetUpHost)}</p> }.into_any()
    } else if is_gone {
        view! { <p class="banner">"It was garbage-collected: nobody can go back to it any more."</p> }
            .into_any()
    } else {
        forms(host, candidate, &page)
    };
    let mark = candidate.pin.as_ref().map(|pin| view! { <p><b>{pin.words()}</b></p> });
    view! {
        <div class="page-head">
            <p class="crumbs">
                <a href=Route::Fleet.path()>"Fleet"</a>" / "<a href=page>{host.to_owned()}</a>" / "
            </p>
            <h1>{format!("Pin {}", generation_name(&candidate.generation))}</h1>
        </div>
        {said.map(|said| in_words(said, ""))}
        <section class="card settings" aria-label="Pin">
            {mark}
            <p class="faint">
                "A pin is a mark for people: the rollback dialog shows it. It does not change which generation is last \
                 known working, and it does not keep the generation on the host: removing old generations there \
                 (nix-collect-garbage --delete-older-than, nh clean) removes a pinned one too."
            </p>
            {body}
        </section>
    }
    .into_any()
}

fn forms(host: &str, candidate: &Candidate, page: &str) -> AnyView {
    let hidden = || {
        view! {
            <input type="hidden" name="host" value=host.to_owned()/>
            <input type="hidden" name="generation" value=reference_to_text(&candidate.generation.reference())/>
        }
    };
    let note = candidate.pin.as_ref().map(|pin| pin.note.clone()).unwrap_or_default();
    let (is_pinned, label) = match &candidate.pin {
        Some(_) => (true, "Save note"),
        None => (false, "Pin"),
    };
    let unpin = is_pinned.then(|| {
        view! { <form method="post" action=UnpinGeneration::PATH>{hidden()}<button type="submit">"Unpin"</button></form> }
    });
    view! {
        <div class="plain-forms">
            <form method="post" action=PinGeneration::PATH>
                {hidden()}
                <label>
                    "Note"
                    <input type="text" name="note" value=note maxlength=PIN_NOTE_CHARS.to_string() autocomplete="off"
                        placeholder="Why, in a few words"/>
                </label>
                <button type="submit" class="primary">{label}</button>
            </form>
            {unpin}
            <a class="button" href=page.to_owned()>"Cancel"</a>
        </div>
    }
    .into_any()
}
