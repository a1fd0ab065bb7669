//! The addresses and what is shown at each.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::components::IconSprite;
use crate::pages::{
    AboutPage, AddHostPage, AuditPage, BulkRollbackPage, DeploymentPage, DeploymentsPage, FleetPage,
    HostPage, Inside, LogInPage, MergePage, NotFound, NoticesPage, OpPage, OpsPage, RevertPage,
    RollBackFailedPage, RollbackPage, RolloutPage,
};
use crate::{browser, place, time};

/// The whole application.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    time::provide_time();
    place::keep();
    Effect::new(|_| browser::set_flag("hydrated", true));
    view! {
        <Title formatter=|page: String| if page.is_empty() { "Backstay".to_owned() } else { format!("{page} · Backstay") }/>
        <IconSprite/>
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/login") view=LogInPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Inside ssr=SsrMode::Async>
                    // Each dialog is an address of its own over the fleet page, which stays as it is below it.
                    <ParentRoute path=path!("") view=FleetPage>
                        <Route path=path!("/") view=|| ()/>
                        <Route path=path!("/hosts/:name/rollback") view=RollbackPage/>
                        <Route path=path!("/add-host") view=AddHostPage/>
                        <Route path=path!("/rollout") view=RolloutPage/>
                        <Route path=path!("/rollback") view=BulkRollbackPage/>
                        <Route path=path!("/pull-requests/:number/merge") view=MergePage/>
                        <Route path=path!("/deployments/:id/revert") view=RevertPage/>
                        <Route path=path!("/deployments/:id/rollback") view=RollBackFailedPage/>
                    </ParentRoute>
                    <Route path=path!("/hosts/:name") view=HostPage/>
                    <Route path=path!("/deployments") view=DeploymentsPage/>
                    <Route path=path!("/deployments/:id") view=DeploymentPage/>
                    <Route path=path!("/ops") view=OpsPage/>
                    <Route path=path!("/ops/:id") view=OpPage/>
                    <Route path=path!("/audit") view=AuditPage/>
                    <Route path=path!("/notices") view=NoticesPage/>
                    <Route path=path!("/about") view=AboutPage/>
                </ParentRoute>
                <Route path=path!("/*any") view=NotFound ssr=SsrMode::Async/>
            </Routes>
        </Router>
        // What the document waits for before it is painted: see the shell.
        <div id="end" hidden></div>
    }
    .into_any()
}
