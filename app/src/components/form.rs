//! Forms that act: the page sends them in the background and shows the result. Without script the browser sends
//! them itself.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_location, use_query_map};
use server_fn::ServerFn;
use server_fn::error::ServerFnUrlError;

use crate::components::use_log_address;
use crate::routes::Route;
use crate::{ApiError, browser};

/// What a form does, and its result. Cheap to copy.
///
/// Leptos has a generic one, whose code is compiled once for each server function, with the parser and the
/// writer of its arguments. But a form is sent as it is.
#[derive(Debug, Clone, Copy)]
pub struct FormAction {
    path: &'static str,
    in_flight: RwSignal<usize>,
    pending: Memo<bool>,
    value: RwSignal<Option<Result<(), ApiError>>>,
    version: RwSignal<usize>,
}

impl FormAction {
    /// An action that posts to this path. If `answer` is there, it was tried already.
    pub fn new(path: &'static str, answer: Option<Result<(), ApiError>>) -> Self {
        let in_flight = RwSignal::new(0);
        let pending = Memo::new(move |_| in_flight.get() > 0);
        Self { path, in_flight, pending, value: RwSignal::new(answer), version: RwSignal::new(0) }
    }

    /// True while there is no answer.
    pub fn pending(self) -> Memo<bool> {
        self.pending
    }

    /// The latest answer.
    pub fn value(self) -> RwSignal<Option<Result<(), ApiError>>> {
        self.value
    }

    /// The number of answers.
    pub fn version(self) -> RwSignal<usize> {
        self.version
    }

    /// Sends these fields, URL-encoded.
    pub(crate) fn send(self, fields: String) {
        self.in_flight.update(|count| *count += 1);
        spawn_local(async move {
            let answer = browser::post(self.path, &fields).await;
            // The person may have left the page.
            self.value.try_set(Some(answer));
            self.version.try_update(|count| *count += 1);
            self.in_flight.try_update(|count| *count -= 1);
        });
    }

    fn submit(self, event: &SubmitEvent) {
        if event.default_prevented() {
            return;
        }
        if let Some(fields) = browser::fields(event) {
            event.prevent_default();
            self.send(fields);
        }
    }
}

impl From<FormAction> for Signal<Option<ApiError>> {
    fn from(action: FormAction) -> Self {
        Signal::derive(move || action.value.get().and_then(Result::err))
    }
}

/// The action of a form that calls the server function `S`. If the form was sent without WebAssembly and refused, the
/// server redirected here with the refusal in the address, and the action starts with it, on the server and in the
/// browser alike.
pub fn action_from_address<S: ServerFn<Error = ApiError>>() -> FormAction {
    FormAction::new(S::PATH, refused_in_address(S::PATH).map(Err))
}

/// Why the server refused a form that was sent to this path without WebAssembly.
pub(crate) fn refused_in_address(path: &str) -> Option<ApiError> {
    let query = use_query_map().get_untracked();
    let error = query.get_str("__err").filter(|_| query.get_str("__path") == Some(path))?;
    Some(ServerFnUrlError::decode_err(error))
}

/// A form with an action.
#[component]
pub fn ActionForm(action: FormAction, children: Children) -> impl IntoView {
    view! {
        <form action=action.path method="post" on:submit=move |event| action.submit(&event)>
            {children()}
        </form>
    }
}

/// The refusal of the last attempt.
#[component]
pub fn Refusal(
    /// The form's action, or why it was refused.
    #[prop(into)]
    action: Signal<Option<ApiError>>,
) -> impl IntoView {
    let log_address = use_log_address();
    let path = use_location().pathname;
    view! {
        {move || action.get().map(|error| {
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
