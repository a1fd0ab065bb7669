//! The dialog in which several hosts are rolled back, each to a generation that is known to work.

mod form;
mod line;

use backstay_model::rollout::PlannedRollback;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::ApiError;
use crate::api::load_planned_rollbacks_of;
use crate::components::{About, DialogTrouble, PageTitle, Selection, address_of};
use crate::live::Started;
use crate::routes::Route;

pub(super) use form::RollBackForm;

const TITLE: &str = "Roll back several hosts";

/// What rolling back would do, host by host.
pub(super) type Planned = Resource<Result<Vec<PlannedRollback>, ApiError>>;

/// The dialog in which the hosts are rolled back that the address names, or that are selected.
#[component]
pub fn BulkRollbackPage() -> impl IntoView {
    let started = expect_context::<Started>();
    let selection = expect_context::<Selection>();
    let query = use_query_map();
    let about = Memo::new(move |_| query.with(About::of));
    // What is selected is asked for once: the dialog stays as it is while that changes below it.
    let names = Memo::new(move |_| match about.get() {
        About::All | About::Fitting(_) => vec![],
        About::Named(names) => names.into_iter().collect(),
        About::Selected => untrack(|| selection.names()),
    });
    // Worked out before the parts of the page are rendered at once.
    names.with_untracked(|_| ());
    let planned = Resource::new_blocking(move || names.get(), load_planned_rollbacks_of);
    view! {
        <PageTitle text=TITLE/>
        <Transition>
            {move || {
                let (about, names) = (about.get(), names.get());
                Suspend::new(async move {
                    match started.and(planned).await {
                        Ok(found) if found.is_empty() => {
                            view! { <DialogTrouble title=TITLE back=Route::Fleet.path() sentence=none(&about)/> }.into_any()
                        }
                        Ok(found) => {
                            let again = address_of(&Route::RollbackMany.path(), names.iter().map(String::as_str));
                            view! { <RollBackForm title=TITLE back=Route::Fleet.path() focus_after="bulk-rollback select-all main" found planned again/> }
                                .into_any()
                        }
                        Err(error) => {
                            view! { <DialogTrouble title=TITLE back=Route::Fleet.path() sentence=error.to_string()/> }.into_any()
                        }
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// Why there is no host in the dialog.
fn none(about: &About) -> String {
    match about {
        About::Selected => {
            "Which hosts were selected is no longer known: the page was loaded anew. Nothing was asked for. Select them again."
        }
        About::All | About::Named(_) | About::Fitting(_) => "No host was chosen. Select some on the fleet page.",
    }
    .to_owned()
}
