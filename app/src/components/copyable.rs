//! Text that is there to be copied.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::browser;
use crate::components::Icon;

/// How long the button says what it did.
const SAID: Duration = Duration::from_secs(3);

/// Text that is there to be copied, such as a command, with the button that does it.
#[component]
pub(crate) fn Copyable(
    /// The text.
    #[prop(into)]
    text: Signal<String>,
    /// What it is, for those who hear the button alone.
    what: &'static str,
) -> impl IntoView {
    let words = RwSignal::new("Copy");
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            let done = browser::copy(text).await;
            words.try_set(if done { "Copied" } else { "Not copied" });
            set_timeout(
                move || {
                    words.try_set("Copy");
                },
                SAID,
            );
        });
    };
    view! {
        <div class="copyable">
            <pre tabindex="0"><code>{text}</code></pre>
            <button type="button" class="small alive" aria-label=move || format!("{} {what}", words.get()) on:click=copy>
                <Icon name="copy"/>
                {words}
            </button>
            <span class="unseen" role="status">{move || if words.get() == "Copy" { "" } else { words.get() }}</span>
        </div>
    }
    .into_any()
}
