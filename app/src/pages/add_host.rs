//! The dialog that says how a host is added.

use leptos::prelude::*;

use crate::components::{AddHost, Dialog, PageTitle};
use crate::live::Started;
use crate::routes::Route;

const TITLE: &str = "Add a host";

/// The dialog that says how a host is added. Its address is none below `/hosts/`, where hosts of any name are.
#[component]
pub fn AddHostPage() -> impl IntoView {
    let started = expect_context::<Started>();
    view! {
        <PageTitle text=TITLE/>
        <Suspense>
            {move || Suspend::new(async move { started.live().await.ok().map(|_| view! {
                <Dialog title=TITLE back="/" focus="add-host-close" focus_after="add-host-link">
                    <AddHost/>
                    <div class="dialog-end"><a class="button" id="add-host-close" href=Route::Fleet.path()>"Close"</a></div>
                </Dialog>
            }) })}
        </Suspense>
    }
    .into_any()
}
