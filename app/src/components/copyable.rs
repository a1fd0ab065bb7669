//! Text to copy, and the button that copies it.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::browser;
use crate::components::Icon;

/// How long the button shows its result.
const RESULT_SHOWN: Duration = Duration::from_secs(3);

/// Text to copy, such as a command, with a button that copies it.
#[component]
pub(crate) fn Copyable(
    /// The text.
    #[prop(into)]
    text: Signal<String>,
    /// What the text is, for screen readers that meet the button alone.
    what: &'static str,
) -> impl IntoView {
    let read = move || {
        let text = text.get_untracked();
        async move { Some(text) }
    };
    view! {
        <div class="copyable">
            <pre tabindex="0"><code>{text}</code></pre>
            <CopyButton text=read class="small alive" what/>
        </div>
    }
}

/// A button that copies a text and says whether that worked.
#[component]
pub(crate) fn CopyButton<F, T>(
    /// Reads the text; `None` if it cannot be read.
    text: F,
    class: &'static str,
    /// What the text is, for screen readers that meet the button alone.
    #[prop(optional)]
    what: Option<&'static str>,
) -> impl IntoView
where
    F: Fn() -> T + 'static,
    T: Future<Output = Option<String>> + 'static,
{
    let words = RwSignal::new("Copy");
    let copy = move |_| {
        let text = text();
        spawn_local(async move {
            words.set("Copying…");
            let is_copied = match text.await {
                Some(text) => browser::copy(text).await,
                None => false,
            };
            words.try_set(if is_copied { "Copied" } else { "Not copied" });
            set_timeout(
                move || {
                    words.try_set("Copy");
                },
                RESULT_SHOWN,
            );
        });
    };
    let label = what.map(|what| move || format!("{} {what}", words.get()));
    view! {
        <button type="button" class=class aria-label=label on:click=copy>
            <Icon name="copy"/>
            {words}
        </button>
        <span class="unseen" role="status">{move || if words.get() == "Copy" { "" } else { words.get() }}</span>
    }
}
