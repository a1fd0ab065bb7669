//! The actions on an op: cancel and retry.

use backstay_model::{Action, Generation, GenerationRef, OpAction, OpId, OpKind, OpStatus, OpView, Phase};
use leptos::prelude::*;

use crate::components::{ActionForm, FormAction, requires};
use crate::live::Live;
use crate::routes::Route;

/// Where an op is shown, which decides where its links lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpPlacement {
    /// On a page of its own.
    Page,
    /// Beside a page.
    Drawer,
    /// In a host's row.
    Row,
}

impl OpPlacement {
    fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Drawer => "drawer",
            Self::Row => "row",
        }
    }
}

/// Returns whether stopping an op now would leave its host between two generations.
fn is_midway(op: &OpView) -> bool {
    op.status == OpStatus::Running && matches!(op.phase, Some(Phase::Activating | Phase::SwitchingProfile))
}

/// What happens to a host whose op is cancelled midway.
fn half_way(op: &OpView) -> String {
    let host = &op.host_name;
    let what = match &op.action {
        OpAction::Rollback { target, .. } => format!("{host} is in the middle of switching to {target}."),
        _ => format!("{host} is in the middle of a switch."),
    };
    format!(
        "{what} The host finishes an activation that has begun. If it is still running 5 minutes \
         after you cancel, the host stops it; what it has changed by then stays."
    )
}

/// The button that cancels an op. Midway it asks first; absent once pressed, or once the op has ended.
#[component]
pub fn CancelButton(
    /// The op.
    #[prop(into)]
    op: Signal<OpView>,
    /// The action that cancels.
    action: FormAction,
    /// Where the op is shown.
    place: OpPlacement,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let (id, host) = op.with_untracked(|op| (op.id, op.host_name.clone()));
    let name = op.with_untracked(|op| format!("Cancel {} on {}", op.title(), op.host_name));
    let state = Memo::new(move |_| op.with(|op| (op.status.is_open() && op.cancel.is_none(), is_midway(op))));
    let may = live.may_memo(Action::Cancel, &host);
    let words = if place == OpPlacement::Row { "Cancel" } else { "Cancel this op" };
    let class = if place == OpPlacement::Row { "small" } else { "danger" };
    move || {
        let name = (place == OpPlacement::Row).then(|| name.clone());
        match (state.get(), may.get()) {
            ((true, _), false) if place != OpPlacement::Row => {
                view! { <span class="faint">{requires("Cancelling", Action::Cancel)}</span> }.into_any()
            }
            ((true, true), true) => {
                view! { <Confirm op action place words class name/> }.into_any()
            }
            ((true, false), true) => view! {
                <ActionForm action=action>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button type="submit" class=class aria-label=name disabled=action.pending()>{words}</button>
                </ActionForm>
            }
            .into_any(),
            _ => ().into_any(),
        }
    }
}

/// Asks before cancelling an op in the middle of an activation: a native popover, which works without script.
#[component]
fn Confirm(
    op: Signal<OpView>,
    action: FormAction,
    place: OpPlacement,
    words: &'static str,
    class: &'static str,
    name: Option<String>,
) -> impl IntoView {
    let id = op.with_untracked(|op| op.id);
    let popover = format!("stop-{}-{id}", place.as_str());
    let (button, close) = (popover.clone(), popover.clone());
    let title = format!("{popover}-title");
    let heading = title.clone();
    let warning = op.with_untracked(half_way);
    view! {
        <button type="button" class=class aria-label=name popovertarget=button>{words}"…"</button>
        <div class="confirm" popover="auto" id=popover role="dialog" aria-labelledby=title>
            <h3 id=heading>"Cancel during the activation?"</h3>
            <p>{warning}</p>
            <div class="confirm-end">
                <button type="button" popovertarget=close popovertargetaction="hide">"Keep going"</button>
                <ActionForm action=action>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button type="submit" class="danger" disabled=action.pending()>"Cancel anyway"</button>
                </ActionForm>
            </div>
        </div>
    }
}

/// The kind of an op to retry: one that ended without success.
fn again(op: &OpView) -> Option<OpKind> {
    let failed = !op.status.is_open() && op.status != OpStatus::Succeeded;
    failed.then(|| op.action.kind())
}

/// The generation that a successful rollback left, if the host is still on its target.
fn left_for(op: &OpView, now: Option<&GenerationRef>) -> Option<u32> {
    match &op.action {
        OpAction::Rollback { target, seen_current, .. }
            if op.status == OpStatus::Succeeded && now == Some(target) && target != seen_current =>
        {
            Some(seen_current.number)
        }
        _ => None,
    }
}

/// Retries an op that did not succeed: a button, or for a rollback a link to the dialog, because the host may
/// be on another generation by now. After a successful rollback, a link to the dialog that goes back.
#[component]
pub fn RetryButton(
    /// The op.
    #[prop(into)]
    op: Signal<OpView>,
    /// The action of the button.
    action: FormAction,
    /// The start of the new op's address.
    #[prop(into)]
    page: Signal<String>,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let (id, host) = op.with_untracked(|op| (op.id, op.host_name.clone()));
    let kind = Memo::new(move |_| op.with(again));
    let may_roll_back = live.may_memo(Action::RollBack, &host);
    let may_retry = {
        let host = host.clone();
        Memo::new(move |_| kind.get().is_none_or(|kind| live.may(Action::request(kind), Some(&host))))
    };
    let undo = {
        let host = host.clone();
        Memo::new(move |_| {
            let now = live.host(&host)?.with(|host| host.generation.as_ref().map(Generation::reference));
            op.with(|op| left_for(op, now.as_ref()))
        })
    };
    move || {
        match kind.get() {
        None => undo.get().filter(|_| may_roll_back.get()).map(|to| {
            let address = Route::RollbackHost { host: &host, to: Some(to), from_host: false }.path();
            view! { <a class="button" href=address>{format!("Go back to Gen {to}…")}</a> }
        })
        .into_any(),
        Some(kind) if !may_retry.get() => {
            view! { <span class="faint">{requires("Retrying", Action::request(kind))}</span> }.into_any()
        }
        Some(kind) if !kind.may_be_retried() => {
            view! { <a class="button" href=Route::RollbackHost { host: &host, to: None, from_host: false }.path()>"Roll back again…"</a> }
                .into_any()
        }
        Some(_) => view! {
            <ActionForm action=action>
                <input type="hidden" name="id" value=id.to_string()/>
                <input type="hidden" name="page" value=page/>
                <button type="submit" disabled=action.pending()>"Try again"</button>
            </ActionForm>
        }
        .into_any(),
    }
    }
}

/// Links between an op and its retry.
#[component]
pub fn RetryLinks(
    /// The op that this one retries.
    of: Option<OpId>,
    /// The op that retries this one.
    by: RwSignal<Option<OpId>>,
    /// The address of an op in this place.
    address: impl Fn(OpId) -> String + Copy + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        {of.map(|id| view! {
            <p class="again">"This is a retry of "<a href=move || address(id) data-noscroll="">"an earlier op"</a>"."</p>
        })}
        {move || by.get().map(|id| view! {
            <p class="again">"Retried as "<a href=move || address(id) data-noscroll="">"a newer op"</a>"."</p>
        })}
    }
}

/// The result of an op; for a lost one, also what that means.
#[component]
pub fn OpMessage(
    /// The op.
    #[prop(into)]
    op: Signal<OpView>,
) -> impl IntoView {
    let message = Memo::new(move |_| op.with(|op| (op.message.clone(), op.status, op.host_name.clone())));
    move || {
        let (message, status, host) = message.get();
        let lost = (status == OpStatus::Lost).then(|| {
            view! {
                <p class="banner warn">
                    {format!(
                        "Lost means that {host} received this op, or may have, and has not reported a result: it may be done, \
                         partly done, or not done at all. A late result appears here. Check {host} before you try again.",
                    )}
                </p>
            }
        });
        view! {
            {message.map(|message| view! { <p class="message" data-status=status.as_str()>{message}</p> })}
            {lost}
        }
        .into_any()
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::sample;

    use super::*;

    #[test]
    fn a_rollback_can_be_taken_back_while_the_host_is_where_it_led() {
        let [old, new] = [47, 48].map(|number| sample::generation(number, 0).reference());
        let done = sample::op(sample::rollback_to(47), OpStatus::Succeeded);
        assert_eq!(left_for(&done, Some(&old)), Some(48));
        assert_eq!(left_for(&done, Some(&new)), None);
        assert_eq!(left_for(&done, None), None);
        let failed = OpView { status: OpStatus::Failed, ..done };
        assert_eq!(left_for(&failed, Some(&old)), None);
    }
}
