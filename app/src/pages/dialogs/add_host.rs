//! The dialog that explains how to add a host.

use leptos::prelude::*;

use crate::components::{AddHost, Dialog, PageTitle};
use crate::live::Started;
use crate::routes::Route;

const TITLE: &str = "Add a host";

/// The dialog that explains how to add a host. Its address is not below `/hosts/`: a host may have any name.
#[component]
pub fn AddHostDialog() -> impl IntoView {
    let started = expect_context::<Started>();
    view! {
        <PageTitle text=TITLE/>
        <Suspense>
            {move || Suspend::new(async move { started.live().await.ok().map(|_| view! {
                <Dialog title=TITLE back=Route::Fleet.path() focus="add-host-close" focus_after="add-host-link">
                    <AddHost/>
                    <div class="dialog-end"><a class="button" id="add-host-close" href=Route::Fleet.path()>"Close"</a></div>
                </Dialog>
            }) })}
        </Suspense>
    }
}
