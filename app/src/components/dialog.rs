//! A dialog that is an address of its own.

use leptos::html;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::browser;

/// A dialog over the page. The server renders it open, so that it works as it is; once the page is alive it becomes
/// modal. Leaving it, by its own links or by Esc, goes to `back`.
#[component]
pub fn Dialog(
    /// Its title, which is its name.
    #[prop(into)]
    title: String,
    /// Where leaving it leads.
    #[prop(into)]
    back: String,
    /// The element that has the focus first.
    #[prop(into)]
    focus: String,
    /// The elements of which the first that can has the focus afterwards, separated by spaces.
    #[prop(into)]
    focus_after: String,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = element.get() {
            let focus = focus.clone();
            browser::make_modal(dialog, move || browser::focus(&focus));
            let focus_after = focus_after.clone();
            // Once the dialog is gone from the page.
            on_cleanup(move || request_animation_frame(move || browser::focus_one_of(&focus_after)));
        }
    });
    let navigate = use_navigate();
    let leave = move |event: leptos::ev::Event| {
        // The address says whether the dialog is open: it closes by going elsewhere, to the page below it.
        event.prevent_default();
        navigate(&back, NavigateOptions { scroll: false, replace: true, ..Default::default() });
    };
    view! {
        <dialog class="dialog" open=true aria-labelledby="dialog-title" node_ref=element on:cancel=leave>
            <h2 id="dialog-title">{title}</h2>
            {children()}
        </dialog>
    }
    .into_any()
}

/// A dialog that cannot show what it is for, and why.
#[component]
pub fn DialogTrouble(
    /// Its title.
    #[prop(into)]
    title: String,
    /// Where leaving it leads.
    #[prop(into)]
    back: String,
    /// Why, in a sentence.
    #[prop(into)]
    sentence: String,
) -> impl IntoView {
    view! {
        <Dialog title back=back.clone() focus="dialog-back" focus_after="main">
            <p class="refusal" role="alert">{sentence}</p>
            <div class="dialog-end"><a class="button" id="dialog-back" href=back>"Back"</a></div>
        </Dialog>
    }
    .into_any()
}
