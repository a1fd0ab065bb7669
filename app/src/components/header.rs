//! The top of every page, and the title of its tab.

use leptos::prelude::*;
use leptos::text_prop::TextProp;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use super::account::Account;
use super::status_line::StatusLine;
use crate::components::{Mark, NoticesLink};
use crate::escape::raw_text;
use crate::routes::{self, Route};

/// The top of every page: the sections, who is logged in, and the status line.
#[component]
pub fn Header() -> impl IntoView {
    view! {
        <header class="top">
            <a class="brand" href=Route::Fleet.path()><Mark/>"Backstay"</a>
            <nav aria-label="Main">
                <NavLink section=Section::Fleet/>
                <NavLink section=Section::Deployments/>
                <NavLink section=Section::Ops/>
                <NavLink section=Section::Audit/>
            </nav>
            <div class="top-end">
                <NoticesLink/>
                <Account/>
            </div>
        </header>
        <StatusLine/>
    }
}

/// A section of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Fleet,
    Deployments,
    Ops,
    Audit,
}

impl Section {
    /// The section of an address. A dialog belongs to the page below it, whatever its address.
    fn of(path: &str) -> Option<Self> {
        match routes::page(path).split('/').nth(1) {
            Some("" | "hosts") => Some(Self::Fleet),
            Some("deployments") => Some(Self::Deployments),
            Some("ops") => Some(Self::Ops),
            Some("audit") => Some(Self::Audit),
            _ => None,
        }
    }

    fn route_and_name(self) -> (Route<'static>, &'static str) {
        match self {
            Self::Fleet => (Route::Fleet, "Fleet"),
            Self::Deployments => (Route::Deployments { before: None }, "Deployments"),
            Self::Ops => (Route::Ops { host: None }, "Ops"),
            Self::Audit => (Route::Audit, "Audit"),
        }
    }
}

#[component]
fn NavLink(section: Section) -> impl IntoView {
    let path = use_location().pathname;
    let here = move || path.with(|path| Section::of(path) == Some(section));
    let (route, name) = section.route_and_name();
    view! { <a href=route.path() aria-current=move || here().then_some("page")>{name}</a> }
}

/// The title of a page's tab, which follows signals.
///
/// The server writes the title after it has rendered the page. By then the thread may be working on another
/// request, where this page's signals are missing or belong to another page. So the server reads the title at
/// once, and the browser reads it whenever it changes.
#[component]
pub fn PageTitle(
    /// The title.
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

#[cfg(test)]
mod tests {
    use super::Section;

    #[test]
    fn a_dialog_belongs_to_the_page_below_it() {
        for (path, section) in [
            ("/", Some(Section::Fleet)),
            ("/hosts/gpc0/rollback", Some(Section::Fleet)),
            ("/rollout", Some(Section::Fleet)),
            ("/pull-requests/42/merge", Some(Section::Fleet)),
            ("/deployments/1/revert", Some(Section::Fleet)),
            ("/deployments/1", Some(Section::Deployments)),
            ("/deployments", Some(Section::Deployments)),
            ("/ops/1", Some(Section::Ops)),
            ("/audit", Some(Section::Audit)),
            ("/notices", None),
        ] {
            assert_eq!(Section::of(path), section, "{path}");
        }
    }
}
