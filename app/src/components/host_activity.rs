//! The current activity of a host.

use backstay_model::{HostView, OpId};
use leptos::prelude::*;

use crate::components::{CancelButton, ElapsedSince, FormAction, OpInBrief, OpPlacement};

/// The host's open op with its cancel button, and whether the host is connected.
#[component]
pub fn HostActivity(
    /// The host.
    #[prop(into)]
    host: Signal<HostView>,
    /// The action that cancels its op.
    cancel: FormAction,
) -> impl IntoView {
    let id = Memo::new(move |_| host.with(|h| h.op.as_ref().map(|op| op.id)));
    move || match id.get() {
        Some(id) => view! { <Busy host id cancel/> }.into_any(),
        None => view! { <Presence host busy=false/> }.into_any(),
    }
}

#[component]
fn Busy(host: Signal<HostView>, id: OpId, cancel: FormAction) -> impl IntoView {
    let now = move |h: &HostView| h.op.clone().filter(|op| op.id == id);
    let Some(first) = host.with_untracked(now) else { return ().into_any() };
    let op = Memo::new(move |_| host.with(now).unwrap_or_else(|| first.clone()));
    view! {
        <OpInBrief op/>
        <Presence host busy=true/>
        <CancelButton op action=cancel place=OpPlacement::Row/>
    }
    .into_any()
}

/// Whether the host is connected; omitted while an op shows it.
#[component]
fn Presence(host: Signal<HostView>, busy: bool) -> impl IntoView {
    let presence = Memo::new(move |_| host.with(|h| (h.online, h.last_seen)));
    move || match presence.get() {
        (true, _) if busy => ().into_any(),
        (true, _) => view! { <span class="seen">"connected"</span> }.into_any(),
        (false, Some(at)) => {
            view! { <span class="seen">"offline "<ElapsedSince since=at/></span> }.into_any()
        }
        (false, None) => view! { <span class="seen">"never connected"</span> }.into_any(),
    }
}
