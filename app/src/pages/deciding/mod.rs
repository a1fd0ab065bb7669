//! The dialogs in which people decide of pull requests and deployments.

mod merge;
mod revert;
mod roll_back;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::routes::{FROM, Route};

pub use merge::MergePage;
pub use revert::RevertPage;
pub use roll_back::RollBackFailedPage;

/// The deployment that the address names, and where its dialogs lead back to: to its own page where they were opened
/// there, else to the fleet.
fn deployment_and_back() -> (Memo<String>, Memo<String>) {
    let (params, query) = (use_params_map(), use_query_map());
    let id = Memo::new(move |_| params.with(|p| p.get("id").unwrap_or_default()));
    let back = Memo::new(move |_| {
        match query.with(|q| q.get(FROM)) {
            Some(from) if from == "deployment" => id.with(|id| id.parse().map(Route::Deployment)).ok(),
            _ => None,
        }
        .unwrap_or(Route::Fleet)
        .path()
    });
    (id, back)
}

/// A list with a line above that names it.
#[component]
fn NamedList(
    /// The identifier of that line.
    id: &'static str,
    heading: &'static str,
    items: Vec<String>,
    /// Whether the order matters.
    #[prop(optional)]
    numbered: bool,
) -> impl IntoView {
    let items = items.into_iter().map(|item| view! { <li>{item}</li> }).collect_view();
    view! {
        <div class="named-list">
            <p id=id>{heading}</p>
            {if numbered {
                view! { <ol aria-labelledby=id>{items}</ol> }.into_any()
            } else {
                view! { <ul aria-labelledby=id>{items}</ul> }.into_any()
            }}
        </div>
    }
    .into_any()
}
