//! The component that answers at each address.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Outlet, ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::components::IconSprite;
use crate::live::tab_title;
use crate::pages::{
    AboutPage, AddHostDialog, AuditPage, DeploymentPage, DeploymentsPage, FleetPage, HostPage, Inside,
    LogInPage, MergeDialog, NotFound, NoticesPage, OpPage, OpsPage, RevertDialog, RollbackDialog,
    RollbackFailedDialog, RollbackManyDialog, RolloutDialog, RolloutPage, ServerWrittenPage,
};
use crate::{browser, navigation, time};

/// The whole application.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    time::provide_time();
    navigation::keep_scroll_position();
    Effect::new(|_| browser::set_flag("hydrated", true));
    view! {
        <Title formatter=|page: String| tab_title(&page)/>
        <IconSprite/>
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/login") view=LogInPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Inside ssr=SsrMode::Async>
                    <FleetWithDialogs/>
                    <Route path=path!("/hosts/:name/compare/:pair") view=ServerWrittenPage/>
                    <Route path=path!("/hosts/:name/pin/:generation") view=ServerWrittenPage/>
                    <Route path=path!("/compare/:pair") view=ServerWrittenPage/>
                    <Route path=path!("/people") view=ServerWrittenPage/>
                    <Route path=path!("/account") view=ServerWrittenPage/>
                    <Route path=path!("/confirm/:next") view=ServerWrittenPage/>
                    <ParentRoute path=path!("/hosts/:name") view=|| view! { <HostPage/><Outlet/> }>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("/here/rollback") view=RollbackDialog/>
                    </ParentRoute>
                    <Route path=path!("/deployments") view=DeploymentsPage/>
                    <ParentRoute path=path!("/deployments/:id") view=|| view! { <DeploymentPage/><Outlet/> }>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("/here/revert") view=RevertDialog/>
                        <Route path=path!("/here/rollback") view=RollbackFailedDialog/>
                    </ParentRoute>
                    <Route path=path!("/rollouts/:id") view=RolloutPage/>
                    <Route path=path!("/ops") view=OpsPage/>
                    <Route path=path!("/ops/:id") view=OpPage/>
                    <Route path=path!("/audit") view=AuditPage/>
                    <Route path=path!("/notices") view=NoticesPage/>
                    <Route path=path!("/about") view=AboutPage/>
                    <Route path=path!("/*any") view=NotFound/>
                </ParentRoute>
            </Routes>
        </Router>
        // The document waits for this before it is painted: see the shell.
        <div id="end" hidden></div>
    }
}

/// The fleet page, which stays as it is below each of its dialogs. A dialog has an address of its own: see
/// [`crate::routes`].
#[component(transparent)]
fn FleetWithDialogs() -> impl MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("") view=FleetPage>
            <Route path=path!("/") view=|| ()/>
            <Route path=path!("/hosts/:name/rollback") view=RollbackDialog/>
            <Route path=path!("/add-host") view=AddHostDialog/>
            <Route path=path!("/rollout") view=RolloutDialog/>
            <Route path=path!("/rollback") view=RollbackManyDialog/>
            <Route path=path!("/pull-requests/:number/merge") view=MergeDialog/>
            <Route path=path!("/deployments/:id/revert") view=RevertDialog/>
            <Route path=path!("/deployments/:id/rollback") view=RollbackFailedDialog/>
        </ParentRoute>
    }
    .into_inner()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use leptos_router::RouteDefs;

    use super::*;
    use crate::routes;

    fn is_like(path: &str, pattern: &str) -> bool {
        let (path, pattern) = (path.split('/'), pattern.split('/'));
        path.clone().count() == pattern.clone().count()
            && path.zip(pattern).all(|(part, of)| part == of || of.starts_with('{'))
    }

    #[test]
    fn each_address_is_served() {
        let served = leptos_axum::generate_route_list(App);
        for route in routes::tests::all() {
            let address = route.path();
            let path = address.split('?').next().unwrap();
            assert!(served.iter().any(|listing| is_like(path, listing.path())), "{path}");
        }
    }

    #[test]
    fn the_dialogs_of_the_fleet_page_lie_over_it_and_nothing_else_does() {
        let nested = RouteDefs::new(FleetWithDialogs());
        for route in routes::tests::all() {
            let address = route.path();
            let path = address.split('?').next().unwrap();
            let is_nested = nested.match_route(path).is_some();
            assert_eq!(is_nested, route.shows_fleet(), "{path}");
        }
    }
}
