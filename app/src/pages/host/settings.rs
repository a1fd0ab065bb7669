//! The settings of a host.

use backstay_model::{Action, HostView, Labels, MAX_TEST_TIMEOUT_SECS, NOTES_CHARS, TestTimeout};
use leptos::prelude::*;

use crate::api::{HostPageData, SetAutoTest, SetLabels, SetTestTimeout};
use crate::components::{ActionForm, Draft, EditConflict, Hydrated, Refusal, action_from_address};
use crate::escape::raw_text;
use crate::live::Live;

/// Whether the person may not set the host up.
fn closed(live: Live, host: &str) -> Memo<bool> {
    let host = host.to_owned();
    Memo::new(move |_| !live.may(Action::SetUpHost, Some(&host)))
}

/// Whether the host's tests run automatically, and the button that changes it.
#[component]
pub(super) fn AutoTest(host: Signal<HostView>, name: String) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<SetAutoTest>();
    let on = Memo::new(move |_| host.with(|h| h.auto_test));
    let closed = closed(live, &name);
    view! {
        <ActionForm action=action>
            <input type="hidden" name="host" value=name/>
            <input type="hidden" name="on" prop:value=move || (!on.get()).to_string() value=move || (!on.get()).to_string()/>
            <p class="setting">
                <span>
                    {move || if on.get() {
                        "Tests run automatically after every switch or rollback."
                    } else {
                        "Tests run only on request."
                    }}
                </span>
                <button type="submit" disabled=closed>
                    {move || if on.get() { "Turn auto-test off" } else { "Turn auto-test on" }}
                </button>
            </p>
            <Refusal action/>
        </ActionForm>
    }
}

/// The timeout of each test, and the form that changes it.
#[component]
pub(super) fn TestTimeoutOf(detail: RwSignal<HostPageData>, name: String) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<SetTestTimeout>();
    let set = Memo::new(move |_| detail.with(|d| d.test_timeout));
    let own = Memo::new(move |_| detail.with(|d| d.agent_timeouts));
    let amount = move |set: Option<TestTimeout>| set.map(|set| set.shown().0.to_string()).unwrap_or_default();
    let in_minutes = move |set: Option<TestTimeout>| set.is_some_and(|set| set.shown().1);
    let first = set.get_untracked();
    let draft = Draft::of(set, action);
    let shown = draft.shown;
    let saved = Memo::new(move |_| action.value().with(|value| matches!(value, Some(Ok(())))));
    let closed = closed(live, &name);
    view! {
        <ActionForm action=action attr:class="test-timeout" on:input=move |_| draft.edit()>
            <input type="hidden" name="host" value=name/>
            <fieldset>
                <legend>"Test timeout"</legend>
                <p class="faint" id="test-timeout-now">{move || timeout_words(set.get(), own.get())}</p>
                <span class="amount">
                    <input
                        type="text"
                        inputmode="numeric"
                        name="amount"
                        aria-label="Test timeout"
                        aria-describedby="test-timeout-now"
                        autocomplete="off"
                        maxlength="12"
                        placeholder="not set"
                        prop:value=move || Hydrated(amount(shown.get()))
                        value=amount(first)
                    />
                    <select name="unit" aria-label="Unit">
                        <option value="seconds" selected=move || !in_minutes(shown.get())>"seconds"</option>
                        <option value="minutes" selected=move || in_minutes(shown.get())>"minutes"</option>
                    </select>
                    <button type="submit" disabled=closed>"Set timeout"</button>
                    <span class="faint" role="status">{move || saved.get().then_some("Set.")}</span>
                </span>
            </fieldset>
            <EditConflict draft/>
            <Refusal action/>
        </ActionForm>
    }
}

/// States the timeout that applies, and why. `own` is the agent's configured timeout and its maximum.
fn timeout_words(set: Option<TestTimeout>, own: Option<(u64, u64)>) -> String {
    let all = format!("Whole run: {} min.", MAX_TEST_TIMEOUT_SECS / 60);
    match (set, own) {
        (None, Some((own, _))) => {
            format!("Limit per test: {own} s (agent's setting). {all}")
        }
        (None, None) => format!("Limit per test: the agent's setting. {all}"),
        (Some(set), Some((_, most))) if u64::from(set.as_secs()) > most => format!(
            "Limit per test: {most} s, the agent's maximum (tests.max_timeout), although {set} is set. {all}"
        ),
        (Some(set), Some(_)) => format!("Limit per test: {set}. {all}"),
        (Some(set), None) => {
            format!("Limit per test: {set}, if the host's agent is recent enough to support it. {all}")
        }
    }
}

/// Tags and notes, and the form that changes them.
#[component]
pub(super) fn LabelsOf(detail: RwSignal<HostPageData>, name: String) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<SetLabels>();
    let labels = Memo::new(move |_| detail.with(|d| d.labels.clone()));
    let Labels { tags: first_tags, notes: first_notes } = detail.with_untracked(|d| d.labels.clone());
    let saved = Memo::new(move |_| action.value().with(|value| matches!(value, Some(Ok(())))));
    let draft = Draft::of(labels, action);
    let shown = draft.shown;
    let tags = move || Hydrated(shown.with(|labels| labels.tags.join(" ")));
    let notes = move || Hydrated(shown.with(|labels| labels.notes.clone()));
    let closed = closed(live, &name);
    view! {
        <ActionForm action=action attr:class="labels" on:input=move |_| draft.edit()>
            <input type="hidden" name="host" value=name/>
            <label>
                "Tags "<span class="faint">"(words to find the host by, e.g. cloud vienna)"</span>
                <input type="text" name="tags" autocomplete="off" spellcheck="false" readonly=move || !live.may(Action::Tag, None) prop:value=tags value=first_tags.join(" ")/>
            </label>
            <label>
                "Notes"
                <textarea name="notes" rows="3" maxlength=NOTES_CHARS.to_string() prop:value=notes>{raw_text(first_notes)}</textarea>
            </label>
            <EditConflict draft/>
            <Refusal action/>
            <p class="labels-end">
                <button type="submit" disabled=closed>"Save"</button>
                <span class="faint" role="status">{move || saved.get().then_some("Saved.")}</span>
            </p>
        </ActionForm>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_in_words() {
        let set = |secs| TestTimeout::from_secs(secs).ok();
        for (set, own, words) in [
            (None, Some((60, 1800)), "Limit per test: 60 s (agent's setting)."),
            (None, None, "Limit per test: the agent's setting."),
            (set(300), Some((60, 1800)), "Limit per test: 5 min."),
            (
                set(300),
                Some((60, 120)),
                "Limit per test: 120 s, the agent's maximum (tests.max_timeout), although 5 min is set.",
            ),
        ] {
            assert_eq!(timeout_words(set, own), format!("{words} Whole run: 30 min."));
        }
    }
}
