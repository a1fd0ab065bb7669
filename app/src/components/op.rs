//! Ops in brief.

use backstay_protocol::{OpStatus, OpView};
use leptos::prelude::*;

use crate::components::{Elapsed, Icon};

/// How far an op is, in a person's words.
pub fn status_words(status: OpStatus) -> &'static str {
    match status {
        OpStatus::Queued => "Waiting for the host",
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

/// The light that an op's status looks like.
fn look(status: OpStatus) -> &'static str {
    match status {
        OpStatus::Queued => "unknown",
        OpStatus::Sent | OpStatus::Running => "working",
        OpStatus::Succeeded => "ok",
        OpStatus::Failed | OpStatus::TimedOut | OpStatus::Lost => "failed",
        OpStatus::Cancelled | OpStatus::Blocked => "attention",
    }
}

/// How far an op is, as shape and words.
#[component]
pub fn OpStatusBadge(
    /// Its status.
    #[prop(into)]
    status: Signal<OpStatus>,
) -> impl IntoView {
    let look = Signal::derive(move || look(status.get()));
    view! {
        <span class="light" data-state=look data-status=move || status.get().as_str()>
            <Icon name=look/>
            <span class="words">{move || status_words(status.get())}</span>
        </span>
    }
}

/// An open op, as a host's row shows it: what, how far, since when.
#[component]
pub fn OpInBrief(
    /// The op.
    op: OpView,
) -> impl IntoView {
    let phase = match (op.status, op.phase) {
        (OpStatus::Running, Some(phase)) => phase.to_string(),
        (status, _) => status_words(status).to_lowercase(),
    };
    view! {
        <span class="op" data-op=op.action.kind().as_str() data-status=op.status.as_str()>
            <a href=format!("/ops/{}", op.id)>{op.title()}</a>
            <span class="op-state">
                <span class="phase">{phase}</span>
                " · "
                <Elapsed since=op.created_at/>
            </span>
        </span>
    }
}
