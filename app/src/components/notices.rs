//! What the page says of what happened just now.

use std::time::Duration;

use backstay_protocol::event::Tone;
use leptos::prelude::*;

use crate::components::Icon;
use crate::live::{Live, ShownNotice};

/// How long good news stay; bad news stay until they are dismissed.
const STAY: Duration = Duration::from_secs(20);

/// The notices, in a live region that is there from the start.
#[component]
pub fn Notices() -> impl IntoView {
    let live = expect_context::<Live>();
    view! {
        <section class="notices" aria-label="Notices">
            <div role="status" aria-live="polite" aria-atomic="false" aria-relevant="additions">
                <For each=move || live.notices().get() key=|n| n.key let:shown>
                    <Toast shown/>
                </For>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Toast(shown: ShownNotice) -> impl IntoView {
    let live = expect_context::<Live>();
    let ShownNotice { key, notice } = shown;
    let (class, icon) = match notice.tone {
        Tone::Good => ("toast good", "ok"),
        Tone::Neutral => ("toast neutral", "anchor"),
        Tone::Bad => ("toast bad", "failed"),
    };
    if notice.tone != Tone::Bad {
        Effect::new(move |_| set_timeout(move || live.dismiss(key), STAY));
    }
    view! {
        <div class=class>
            <Icon name=icon/>
            <p>
                {notice.host_name.map(|name| view! { <b class="name">{name}</b> " " })}
                <span>{notice.text}</span>
                {notice.op.map(|op| view! { " " <a href=format!("/ops/{op}")>"Details"</a> })}
            </p>
            <button type="button" class="quiet" aria-label="Dismiss" on:click=move |_| live.dismiss(key)>
                <Icon name="close"/>
            </button>
        </div>
    }
    .into_any()
}
