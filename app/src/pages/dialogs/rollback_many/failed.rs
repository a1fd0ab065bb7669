//! The dialog that rolls back the hosts that a deployment broke, each to its last known working generation.

use backstay_model::DeploymentId;
use leptos::prelude::*;

use super::super::deployment_and_back;
use super::form::RollbackManyForm;
use crate::api::load_planned_rollbacks;
use crate::components::{DialogTrouble, PageTitle};
use crate::live::Started;
use crate::routes::Route;

const TITLE: &str = "Roll back failed hosts";

fn dialog(deployment: DeploymentId) -> String {
    Route::RollbackFailed { deployment, from_deployment: false }.path()
}

/// The dialog that rolls back the failed hosts of a deployment.
#[component]
pub fn RollbackFailedDialog() -> impl IntoView {
    let started = expect_context::<Started>();
    let (id, back) = deployment_and_back();
    let planned = Resource::new_blocking(move || id.get(), load_planned_rollbacks);
    view! {
        <PageTitle text=TITLE/>
        <Transition>
            {move || {
                let (id, back) = (id.get(), back.get());
                Suspend::new(async move {
                    match started.and(planned).await {
                        Ok(found) if found.hosts.is_empty() => {
                            view! { <DialogTrouble title=TITLE back sentence="No host of this deployment has failed."/> }
                                .into_any()
                        }
                        Ok(found) => {
                            let again = id.parse().map_or_else(|_| back.clone(), dialog);
                            view! {
                                <RollbackManyForm
                                    title=TITLE
                                    back
                                    focus_after="roll-back-failed"
                                    deployment=id
                                    found
                                    planned
                                    again
                                />
                            }
                                .into_any()
                        }
                        Err(error) => view! { <DialogTrouble title=TITLE back sentence=error.to_string()/> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}
