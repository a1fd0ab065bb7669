//! Dialogs, each with an address of its own.

use leptos::html;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::status_line::StaleInDialog;
use crate::browser;

/// A dialog over the page. The server renders it open, so that it works without script; once the page is
/// alive, it becomes modal. Its own links and Esc go to `back`.
#[component]
pub fn Dialog(
    /// Its title and accessible name.
    #[prop(into)]
    title: String,
    /// The address to leave to.
    #[prop(into)]
    back: String,
    /// The element that receives the focus first.
    #[prop(into)]
    focus: String,
    /// Elements, separated by spaces. If the element that opened the dialog is gone, the first one that can
    /// receives the focus afterwards.
    #[prop(into)]
    focus_after: String,
    /// Its content.
    children: Children,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = element.get() {
            let focus = focus.clone();
            browser::mark_opener();
            browser::make_modal(dialog, move || browser::focus(&focus));
            let focus_after = focus_after.clone();
            // Once the dialog is gone from the page.
            on_cleanup(move || request_animation_frame(move || browser::focus_opener_or(&focus_after)));
        }
    });
    let navigate = use_navigate();
    let leave = move |event: leptos::ev::Event| {
        // The address decides whether the dialog is open, so it closes by navigating to the page below it.
        event.prevent_default();
        navigate(&back, NavigateOptions { scroll: false, replace: true, ..Default::default() });
    };
    view! {
        <dialog class="dialog" open=true aria-labelledby="dialog-title" node_ref=element on:cancel=leave>
            <h2 id="dialog-title">{title}</h2>
            <StaleInDialog/>
            {children()}
        </dialog>
    }
}

/// A dialog that cannot show its content, and says why.
#[component]
pub fn DialogTrouble(
    /// Its title.
    #[prop(into)]
    title: String,
    /// The address to leave to.
    #[prop(into)]
    back: String,
    /// The reason, in a sentence.
    #[prop(into)]
    sentence: String,
) -> impl IntoView {
    view! {
        <Dialog title back=back.clone() focus="dialog-back" focus_after="main">
            <p class="refusal" role="alert">{sentence}</p>
            <div class="dialog-end"><a class="button" id="dialog-back" href=back>"Back"</a></div>
        </Dialog>
    }
}
