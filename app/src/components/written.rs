//! Parts of a page that the server writes.

use leptos::html::Div;
use leptos::prelude::*;

use crate::browser;

/// Markup that the server wrote, with everything in it escaped. When it changes, what the person
/// opened in it stays open, and the focus stays where it was.
#[component]
pub(crate) fn Written(
    /// The markup.
    html: Memo<String>,
    /// The class of the element around it.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let place = NodeRef::<Div>::new();
    Effect::new(move |written: Option<()>| {
        let html = html.get();
        // The first is in the page already.
        if written.is_some()
            && let Some(place) = place.get_untracked()
        {
            browser::rewrite(&place, &html);
        }
    });
    view! { <div class=class node_ref=place inner_html=html.get_untracked()></div> }
}
