//! What a form says between its submit and the answer.

use backstay_model::OpId;
use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::browser;
use crate::live::Live;
use crate::navigation::use_navigate_to;
use crate::time::use_time;

/// Seconds without an answer after which the form says that this is unusual.
const PATIENCE: i64 = 10;

/// The words after this many seconds without an answer. The first second says nothing: most answers come in it.
fn words(seconds: i64) -> &'static str {
    match seconds {
        ..1 => "",
        1..PATIENCE => "Sending…",
        _ => "No answer yet. It may have arrived; this page shows it as soon as that is known.",
    }
}

/// Says how long a submitted form has waited for its answer.
#[component]
pub(super) fn Sending(
    /// True while there is no answer.
    pending: Memo<bool>,
) -> impl IntoView {
    let time = use_time();
    let since = RwSignal::new(None::<DateTime<Utc>>);
    Effect::new(move |_| since.set(pending.get().then(browser::now)));
    let seconds = Memo::new(move |_| Some((time.now.get()? - since.get()?).num_seconds()));
    let said = Memo::new(move |_| seconds.get().map(words));
    let counted = move || seconds.get().filter(|seconds| (1..PATIENCE).contains(seconds));
    view! {
        <p class="sending" role="status">
            {said}
            // Not read aloud each second.
            <span aria-hidden="true">{move || counted().map(|seconds| format!(" {seconds} s"))}</span>
        </p>
    }
}

/// Leads on once it is known that a request arrived although its answer was lost: once an op of this person
/// holds a host that did not before.
pub(super) fn leave_once_arrived(pending: Memo<bool>, answer_lost: Memo<bool>, back: String) {
    let live = expect_context::<Live>();
    let (before, leave) = (StoredValue::new(None), use_navigate_to());
    Effect::new(move |_| {
        if pending.get() {
            before.set_value(untrack(|| newest_op(live)));
        } else if answer_lost.get() && newest_op(live) > before.get_value() {
            leave(&back);
        }
    });
}

/// This person's newest op among those that hold a host. Identifiers sort by creation time.
fn newest_op(live: Live) -> Option<OpId> {
    let (person, mut newest) = (live.person()?.name, None);
    live.each_host(|host| {
        let own = host.op.as_ref().filter(|op| op.requested_by == person).map(|op| op.id);
        newest = newest.max(own);
    });
    newest
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn the_words_grow_with_the_wait() {
        assert_eq!([0, 1, 9].map(words), ["", "Sending…", "Sending…"]);
        assert!(words(10).starts_with("No answer yet."));
    }
}
