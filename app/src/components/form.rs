//! The parts that forms share: their server action, and its refusal.

use leptos::html;
use leptos::prelude::*;
use leptos::server::ServerActionError;
use leptos_router::hooks::{use_location, use_query_map};
use server_fn::ServerFn;

use crate::components::use_log_address;
use crate::routes::Route;
use crate::{ApiError, browser};

/// The action of a form. If the form was sent without WebAssembly and refused, the server redirected here
/// with the refusal in the address, and the action starts with it, on the server and in the browser alike.
pub fn action_from_address<S>() -> ServerAction<S>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    let query = use_query_map().get_untracked();
    if let (Some(path), Some(error)) = (query.get_str("__path"), query.get_str("__err"))
        && path == S::PATH
    {
        provide_context(ServerActionError::new(path, error));
    }
    ServerAction::new()
}

/// The refusal of the last attempt.
#[component]
pub fn Refusal<S>(
    /// The form's action.
    action: ServerAction<S>,
) -> impl IntoView
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + Clone + 'static,
{
    let log_address = use_log_address();
    let path = use_location().pathname;
    let error = move || action.value().get().and_then(Result::err);
    view! {
        {move || error().map(|error| {
            // Links to the op that is in the way.
            let holder = match &error {
                ApiError::Busy { op, .. } => Some(*op),
                _ => None,
            };
            let holder = holder.map(|op| {
                view! { " "<a href=move || log_address(op) data-noscroll="" data-log=op.to_string()>"Show its log"</a> }
            });
            let log_in = matches!(error, ApiError::NotLoggedIn)
                .then(|| view! { " "<a href=path.with_untracked(|path| Route::LogIn { next: Some(path) }.path()) rel="external">"Log in"</a> });
            // In a long dialog the refusal may be out of sight, and then the button would seem to do nothing.
            let said = NodeRef::<html::P>::new();
            Effect::new(move |_| {
                if let Some(said) = said.get() {
                    browser::scroll_into_view(&said);
                }
            });
            view! { <p class="refusal" role="alert" node_ref=said>{error.to_string()}{holder}{log_in}</p> }.into_any()
        })}
    }
}
