//! The current activity of an open op.

use backstay_model::{OpStatus, OpView, Phase};
use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::components::{Elapsed, Until};
use crate::live::Live;

/// The current activity of an op.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Now {
    /// It is waiting, in these words, until this deadline.
    Waiting(String, Option<DateTime<Utc>>),
    /// It is in progress, in this phase, since then.
    InProgress(String, DateTime<Utc>),
    /// It has ended.
    Ended,
}

impl Now {
    fn of(op: &OpView, online: bool) -> Self {
        let host = &op.host_name;
        match op.status {
            OpStatus::Queued if op.waits => {
                Self::Waiting("waiting for the tests to stop".to_owned(), op.due_at)
            }
            OpStatus::Queued if online => Self::Waiting(format!("waiting for {host}"), op.due_at),
            OpStatus::Queued => Self::Waiting(format!("waiting for {host}, which is offline"), op.due_at),
            OpStatus::Sent => Self::InProgress("not started yet".to_owned(), op.created_at),
            OpStatus::Running => {
                let phase = op.phase.map_or_else(|| "running".to_owned(), |phase| phase.to_string());
                // The start on the host, but not before the request: the host's clock may be behind.
                let began = op.started_at.map_or(op.created_at, |at| at.max(op.created_at));
                Self::InProgress(phase, began)
            }
            _ => Self::Ended,
        }
    }
}

/// The progress of a test run.
fn tests(op: &OpView) -> Option<(u32, u32)> {
    match op.phase {
        Some(Phase::Testing { done, total }) if op.status == OpStatus::Running && total > 0 => {
            Some((done, total))
        }
        _ => None,
    }
}

/// The current activity of an open op: its phase and duration, or what it is waiting for and until when; who
/// cancelled it; the progress of its tests. Empty once it has ended.
#[component]
pub fn OpNow(
    /// The op.
    #[prop(into)]
    op: Signal<OpView>,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let online = Memo::new(move |_| {
        let name = op.with(|op| op.host_name.clone());
        live.host(&name).is_some_and(|host| host.with(|host| host.online))
    });
    let now = Memo::new(move |_| op.with(|op| Now::of(op, online.get())));
    let stopping = Memo::new(move |_| {
        op.with(|op| op.cancel.as_ref().filter(|_| op.status.is_open()).map(|cancel| cancel.by.clone()))
    });
    let progress = Memo::new(move |_| op.with(tests));
    let words = move || match now.get() {
        Now::Waiting(words, due) => {
            let due = due.map(|at| view! { " · gives up "<Until at/> });
            view! { <span class="op-state"><span class="phase">{words}</span>{due}</span> }.into_any()
        }
        Now::InProgress(phase, since) => view! {
            <span class="op-state"><span class="phase">{phase}</span>" · "<Elapsed since/></span>
        }
        .into_any(),
        Now::Ended => ().into_any(),
    };
    view! {
        {words}
        {move || progress.get().map(|(done, total)| {
            view! { <progress class="tests-done" aria-label="Tests" max=total.to_string() value=done.to_string()></progress> }
        })}
        {move || stopping.get().map(|by| {
            view! { <span class="stopping">{format!("stopping, requested by {by}")}</span> }
        })}
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::{OpAction, sample};

    use super::*;

    fn op(status: OpStatus, phase: Option<Phase>) -> OpView {
        OpView {
            phase,
            created_at: DateTime::UNIX_EPOCH,
            due_at: Some(DateTime::UNIX_EPOCH),
            started_at: None,
            ..sample::op(OpAction::Test, status)
        }
    }

    #[test]
    fn a_waiting_op_says_for_what() {
        let due = Some(DateTime::UNIX_EPOCH);
        let queued = op(OpStatus::Queued, None);
        assert_eq!(Now::of(&queued, false), Now::Waiting("waiting for gpc0, which is offline".into(), due));
        assert_eq!(Now::of(&queued, true), Now::Waiting("waiting for gpc0".into(), due));
        let behind_tests = OpView { waits: true, ..queued.clone() };
        assert_eq!(Now::of(&behind_tests, true), Now::Waiting("waiting for the tests to stop".into(), due));
    }

    #[test]
    fn a_running_op_says_since_when() {
        let phase = Phase::Testing { done: 3, total: 8 };
        let mut running = op(OpStatus::Running, Some(phase));
        assert_eq!(Now::of(&running, true), Now::InProgress("tests 3/8".into(), DateTime::UNIX_EPOCH));
        assert_eq!(super::tests(&running), Some((3, 8)));
        let later: DateTime<Utc> = "2025-12-28T14:40:00Z".parse().unwrap();
        running.started_at = Some(later);
        assert_eq!(Now::of(&running, true), Now::InProgress("tests 3/8".into(), later));
    }

    #[test]
    fn a_closed_op_has_no_activity() {
        let over = op(OpStatus::Failed, Some(Phase::Testing { done: 3, total: 8 }));
        assert_eq!((Now::of(&over, true), super::tests(&over)), (Now::Ended, None));
    }
}
