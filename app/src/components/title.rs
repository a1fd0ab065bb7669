//! The title of a page's tab.

use leptos::prelude::*;
use leptos::text_prop::TextProp;
use leptos_meta::Title;

use crate::escape::raw_text;

/// The title of a page's tab, which may change as signals do.
///
/// A page is given its title by the server when it is rendered already, and by then the thread may have turned to
/// another request, in which this page's signals are not to be found, or are those of another page. Hence the server
/// reads the title where it is written, and the browser whenever it changes.
#[component]
pub fn PageTitle(
    /// What it says.
    #[prop(into)]
    text: TextProp,
) -> impl IntoView {
    let text = if cfg!(feature = "ssr") {
        TextProp::from(raw_text(untrack(|| text.get()).into_owned()))
    } else {
        text
    };
    view! { <Title text/> }
}
