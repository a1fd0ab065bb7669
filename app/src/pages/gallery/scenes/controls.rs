//! Buttons, forms, messages, and the frame of every page.

use backstay_model::wire::event::{Event, Notice, Tone};
use backstay_model::{OpId, Platform, TestSummary};
use leptos::prelude::*;

use super::super::sample::now;
use super::{Part, begin};
use crate::ApiError;
use crate::components::{Header, HostTestsBadge, Icon, Notices, PlatformName, Refusal};
use crate::live::{Connection, Live};

/// Buttons, and links that look like buttons.
pub(super) fn buttons(_live: Live) -> AnyView {
    let row = |class: &'static str, words: &'static str| {
        view! {
            <div class="gallery-row">
                <button type="button" class=class>{words}</button>
                <button type="button" class=class><Icon name="rollback"/>{words}</button>
                <button type="button" class=class disabled=true>{words}", disabled"</button>
            </div>
        }
    };
    view! {
        <Part title="Ordinary">{row("", "Try again")}</Part>
        <Part title="Primary">{row("primary", "Rollback to Gen 47")}</Part>
        <Part title="Danger">{row("danger", "Cancel anyway")}</Part>
        <Part title="Primary, cannot be undone">{row("primary destructive", "Revert PR #42")}</Part>
        <Part title="Quiet">{row("quiet", "Log out")}</Part>
        <Part title="Small">{row("small", "Cancel")}</Part>
        <Part title="Pressed or not">
            <div class="gallery-row">
                <button type="button" aria-pressed="true">"Times"</button>
                <button type="button" aria-pressed="false">"Times"</button>
            </div>
        </Part>
        <Part title="Links">
            <div class="gallery-row">
                <a class="button" href="#main">"Open in full"</a>
                <a class="button primary" href="#main">"Pull and Switch all"</a>
                <a class="button danger" href="#main">"Revert PR"</a>
                <a href="#main">"Show its log"</a>
            </div>
        </Part>
    }
    .into_any()
}

/// Fields.
pub(super) fn forms(_live: Live) -> AnyView {
    view! {
        <Part title="Fields">
            <form class="gallery-form">
                <label>"Name"<input type="text" value="gpc0" autocomplete="off"/></label>
                <label>"Password"<input type="password" autocomplete="off"/></label>
                <label>"Search"<input type="search" placeholder="status:failed platform:nixos"/></label>
                <label>"Op"<select><option>"Rollback System"</option><option>"Run Tests"</option></select></label>
                <label>"Notes"<textarea rows="3">"In the reading room, second shelf."</textarea></label>
                <label class="at-once">"At once"<input type="number" min="1" max="9" value="2"/></label>
                <label>"Disabled"<input type="text" value="cannot be changed" disabled=true/></label>
            </form>
        </Part>
        <Part title="Choices">
            <fieldset class="kinds">
                <legend class="unseen">"Kind"</legend>
                <label class="kind"><input type="radio" name="kind" checked=true/>"Pull and Switch"</label>
                <label class="kind"><input type="radio" name="kind"/>"Run Tests"</label>
            </fieldset>
            <p><label class="check"><input type="checkbox" checked=true/>"Stop at the first failure"</label></p>
        </Part>
    }
    .into_any()
}

/// Refusals, banners and results of ops.
pub(super) fn messages(live: Live) -> AnyView {
    begin(live);
    let refused = |error| {
        let action = Signal::stored(Some(error));
        view! { <Refusal action/> }
    };
    let busy =
        "gpc0 is busy (Run Tests, requested by jonas). Nothing was changed. Wait for it, or cancel it.";
    let statuses = [
        ("succeeded", "Rolled back to Gen 47"),
        ("failed", "Gen 49 is active, but these units failed: display-manager.service."),
        ("cancelled", "Cancelled by jonas. Cancelling undid nothing."),
    ];
    let said = statuses.map(|(status, words)| view! { <p class="message" data-status=status>{words}</p> });
    view! {
        <Part title="Refused">
            <div class="gallery-stack">
                {refused(ApiError::said("Gen 45 was garbage-collected. Nothing was changed. Choose another generation."))}
                {refused(ApiError::Busy { sentence: busy.into(), op: OpId::new() })}
                {refused(ApiError::NotLoggedIn)}
            </div>
        </Part>
        <Part title="Before you confirm">
            <div class="gallery-stack">
                <p class="banner">"csb1 is offline. The rollback waits until it reconnects; you can cancel it."</p>
                <p class="banner warn">"The host is on Gen 49 now. No request was sent. "<a href="#main">"Look again"</a></p>
            </div>
        </Part>
        <Part title="Result of an op">{said.collect_view()}</Part>
        <Part title="Nothing here">
            <div class="nothing-here"><p>"No matching ops."</p><a class="button" href="#main">"Show all ops"</a></div>
            <p class="loading">"Loading…"</p>
        </Part>
    }
    .into_any()
}

/// Words in a frame.
pub(super) fn badges(_live: Live) -> AnyView {
    let tests = |passed, total| view! { <p><HostTestsBadge tests=Some(TestSummary { passed, total })/></p> };
    let platforms = [Platform::Nixos, Platform::Darwin, Platform::HomeManager];
    view! {
        <Part title="Badges">
            <p class="gallery-row">
                <span class="badge good">"Last known working"</span>
                <span class="badge">"booted"</span>
                <span class="badge warn">"needs a reboot"</span>
                <span class="badge">"garbage-collected"</span>
            </p>
        </Part>
        <Part title="Tests of a generation">{tests(8, 8)}{tests(3, 8)}<p><HostTestsBadge tests=None/></p></Part>
        <Part title="Platforms">
            <p class="gallery-row">{platforms.map(|platform| view! { <PlatformName platform/> }).collect_view()}</p>
        </Part>
        <Part title="Tags">
            <p class="tags"><a class="tag" href="#main">"cloud"</a><a class="tag" href="#main">"desk"</a></p>
        </Part>
    }
    .into_any()
}

/// The header while the page is live; below it, the other states of the connection.
pub(super) fn header(live: Live) -> AnyView {
    begin(live);
    live.connection().set(Connection::Live);
    view! {
        <Header/>
        <Part title="Connection">
            <p class="gallery-row">
                <span class="connection" data-connection="opening">"Not live yet"</span>
                <span class="connection" data-connection="live">"Live"</span>
                <span class="connection" data-connection="lost">"Reconnecting…"</span>
            </p>
        </Part>
    }
    .into_any()
}

/// A notice of each tone.
pub(super) fn notices(live: Live) -> AnyView {
    begin(live);
    let tones = [
        (Tone::Good, "gpc0", "Rolled back to Gen 47"),
        (Tone::Neutral, "hsb0", "jonas requested Pull and Switch"),
        (
            Tone::Bad,
            "imac0",
            "Rollback failed: the activation script of Gen 47 ended with exit 2, and Gen 48 is still running.",
        ),
    ];
    for (tone, host, text) in tones {
        let notice = Notice {
            host_name: Some(host.into()),
            op: Some(OpId::new()),
            by: Some("maria".into()),
            ..Notice::new(now(), tone, text)
        };
        live.apply(0, &Event::Notice(notice));
    }
    view! { <Notices/> }.into_any()
}
