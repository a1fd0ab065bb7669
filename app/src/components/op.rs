//! Ops in brief.

use backstay_model::{OpStatus, OpView};
use leptos::prelude::*;

use crate::components::{Icon, OpNow, use_log_address};

/// The words for an op's status.
pub fn status_words(status: OpStatus) -> &'static str {
    match status {
        OpStatus::Queued => "Waiting",
        OpStatus::Sent => "Sent",
        OpStatus::Running => "Running",
        OpStatus::Succeeded => "Succeeded",
        OpStatus::Failed => "Failed",
        OpStatus::TimedOut => "Timed out",
        OpStatus::Cancelled => "Cancelled",
        OpStatus::Blocked => "Refused",
        OpStatus::Lost => "Lost",
    }
}

/// The light that stands for an op's status.
fn look(status: OpStatus) -> &'static str {
    match status {
        OpStatus::Queued => "unknown",
        OpStatus::Sent | OpStatus::Running => "working",
        OpStatus::Succeeded => "ok",
        OpStatus::Failed | OpStatus::TimedOut | OpStatus::Lost => "failed",
        OpStatus::Cancelled | OpStatus::Blocked => "attention",
    }
}

/// The words for an op's status, or the number of failed tests.
pub(crate) fn words(op: &OpView) -> String {
    match op.failed_tests.len() {
        0 => status_words(op.status).to_owned(),
        1 => "1 test failed".to_owned(),
        failed => format!("{failed} tests failed"),
    }
}

/// The status of an op, as shape and words.
#[component]
pub fn OpStatusBadge(
    /// The op.
    #[prop(into)]
    op: Signal<OpView>,
) -> impl IntoView {
    let status = Memo::new(move |_| op.with(|op| op.status));
    let words = Memo::new(move |_| op.with(words));
    let look = Signal::derive(move || look(status.get()));
    view! {
        <span class="light" data-state=look data-status=move || status.get().as_str()>
            <Icon name=look/>
            <span class="words">{words}</span>
        </span>
    }
}

/// The title of an op, as a link that opens its log beside the page.
#[component]
pub fn OpLink(
    /// The op.
    op: OpView,
) -> impl IntoView {
    let log_address = use_log_address();
    let id = op.id;
    view! { <a href=move || log_address(id) data-noscroll="" data-log=id.to_string()>{op.title()}</a> }
}

/// An open op in a host's row: its title, its phase, and since when or until when.
#[component]
pub fn OpInBrief(
    /// The op.
    #[prop(into)]
    op: Signal<OpView>,
) -> impl IntoView {
    let kind = op.with_untracked(|op| op.action.kind().as_str());
    let link = op.get_untracked();
    view! {
        <span class="op" data-op=kind data-status=move || op.with(|op| op.status.as_str())>
            <OpLink op=link/>
            <OpNow op/>
        </span>
    }
}
