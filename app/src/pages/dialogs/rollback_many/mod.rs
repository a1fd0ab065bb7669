//! The dialogs that roll back several hosts, each to a generation that is known to work.

mod failed;
mod form;
mod host;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::ApiError;
use crate::api::{PlannedRollbacks, load_planned_rollbacks_of};
use crate::components::{DialogTrouble, HostScope, PageTitle, Selection, address_of};
use crate::live::Started;
use crate::routes::Route;

pub use failed::RollbackFailedDialog;
use form::RollbackManyForm;

const TITLE: &str = "Roll back several hosts";

/// What a rollback would do to each host.
type Planned = Resource<Result<PlannedRollbacks, ApiError>>;

/// The dialog that rolls back the hosts that the address names, or the selected ones.
#[component]
pub fn RollbackManyDialog() -> impl IntoView {
    let started = expect_context::<Started>();
    let selection = expect_context::<Selection>();
    let query = use_query_map();
    let about = Memo::new(move |_| query.with(HostScope::of));
    // Read once: the dialog must not change when the selection below it does.
    let names = Memo::new(move |_| match about.get() {
        HostScope::All | HostScope::Fitting(_) => vec![],
        HostScope::Named(names) => names.into_iter().collect(),
        HostScope::Selected => untrack(|| selection.names()),
    });
    // Computed before the parts of the page are rendered concurrently.
    names.with_untracked(|_| ());
    let planned = Resource::new_blocking(move || names.get(), load_planned_rollbacks_of);
    view! {
        <PageTitle text=TITLE/>
        <Transition>
            {move || {
                let (about, names) = (about.get(), names.get());
                Suspend::new(async move {
                    match started.and(planned).await {
                        Ok(found) if found.hosts.is_empty() => {
                            view! { <DialogTrouble title=TITLE back=Route::Fleet.path() sentence=none(&about)/> }.into_any()
                        }
                        Ok(found) => {
                            let again = address_of(&Route::RollbackMany.path(), names.iter().map(String::as_str));
                            view! { <RollbackManyForm title=TITLE back=Route::Fleet.path() focus_after="bulk-rollback select-all main" found planned again/> }
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
}

/// Says why the dialog has no hosts.
fn none(about: &HostScope) -> String {
    match about {
        HostScope::Selected => {
            "The selection was lost when the page reloaded. No request was sent. Select the hosts again."
        }
        HostScope::All | HostScope::Named(_) | HostScope::Fitting(_) => {
            "No host was chosen. Select some on the fleet page."
        }
    }
    .to_owned()
}
