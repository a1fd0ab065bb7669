//! What all pages behind the log-in share.

use leptos::prelude::*;
use leptos_router::components::Outlet;

use crate::ApiError;
use crate::api::{Start, start_page};
use crate::components::{Header, Notices};
use crate::live::{Live, follow};

/// All pages behind the log-in: reads the fleet once and follows the event stream from there.
#[component]
pub fn Inside() -> impl IntoView {
    let start = Resource::new_blocking(|| (), |()| start_page());
    view! {
        <Suspense fallback=|| view! { <p class="loading">"Loading…"</p> }>
            {move || Suspend::new(async move {
                match start.await {
                    Ok(start) => view! { <Signed start/> }.into_any(),
                    Err(error) => view! { <NoStart error/> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn Signed(start: Start) -> impl IntoView {
    let live = Live::new(start);
    provide_context(live);
    follow(live);
    view! {
        <Header/>
        <main id="main" tabindex="-1">
            <Outlet/>
        </main>
        <Notices/>
    }
    .into_any()
}

/// The fleet could not be read. Where nobody is logged in, the answer has led to the log-in page already.
#[component]
fn NoStart(error: ApiError) -> impl IntoView {
    view! {
        <main id="main" class="alone">
            <h1>"Backstay"</h1>
            <p class="refusal" role="alert">{error.to_string()}</p>
            <p><a href="/login" rel="external">"Log in"</a></p>
        </main>
    }
}
