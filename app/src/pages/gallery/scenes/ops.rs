//! Ops: in tables, in words, and their output.

use backstay_model::view::OpDetail;
use backstay_model::{OpAction, OpStatus, OpView};
use leptos::prelude::*;

use super::super::sample::{every_op, op, output, rollback_to};
use super::{Part, begin};
use crate::api::OpRead;
use crate::components::{
    CancelButton, FormAction, Log, OpInBrief, OpList, OpMessage, OpPlacement, OpStatusBadge, RetryButton,
};
use crate::live::Live;
use crate::log::Watched;

/// Ops in a table.
pub(super) fn table(live: Live) -> AnyView {
    begin(live);
    let ops = Signal::stored(every_op());
    view! { <div class="card table-frame"><OpList ops of_hosts=true/></div> }.into_any()
}

/// Each state alone.
pub(super) fn states(live: Live) -> AnyView {
    begin(live);
    let badges = OpStatus::ALL
        .map(|status| view! { <OpStatusBadge op=Signal::stored(op(OpAction::Switch, status))/> });
    let (open, over): (Vec<_>, Vec<_>) = every_op().into_iter().partition(|op| op.status.is_open());
    view! {
        <Part title="States"><p class="gallery-row">{badges.collect_view()}</p></Part>
        <Part title="In a host's row"><ul class="gallery-cells">{open.into_iter().map(in_row).collect_view()}</ul></Part>
        <Part title="Results">
            <div class="gallery-stack">{over.into_iter().map(outcome).collect_view()}</div>
        </Part>
    }
    .into_any()
}

fn in_row(op: OpView) -> impl IntoView {
    let action = FormAction::new("", None);
    let op = Signal::stored(op);
    view! { <li class="now-cell"><OpInBrief op/><CancelButton op action place=OpPlacement::Row/></li> }
}

fn outcome(op: OpView) -> impl IntoView {
    let action = FormAction::new("", None);
    let op = Signal::stored(op);
    view! { <div><OpMessage op/><RetryButton op action page=Signal::stored(String::new())/></div> }
}

/// A log with everything that a terminal can show.
pub(super) fn log(live: Live) -> AnyView {
    begin(live);
    let op = op(rollback_to(47), OpStatus::Succeeded);
    let detail = OpDetail { op, lines: output(), last_event: 0 };
    let watched = Watched::follow(live, OpRead { detail, tried_again: None });
    view! { <div class="card"><Log watched/></div> }.into_any()
}
