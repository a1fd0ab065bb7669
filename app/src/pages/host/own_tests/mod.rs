//! The host's own tests, each with the results of its latest runs.

mod strip;

use backstay_model::test_history::{FLIPS, FailingSince, TestHistory};
use backstay_model::view::HostDetail;
use backstay_model::{State, TestRun, test_run};
use leptos::prelude::*;

use crate::components::{FoldedRest, HostTestsBadge, Icon, Moment, finding, use_log_address};
use strip::{CELL, HEIGHT, cells, in_words};

/// The latest run, and each test with its history.
#[component]
pub(super) fn Tests(detail: RwSignal<HostDetail>) -> impl IntoView {
    let latest = Memo::new(move |_| detail.with(|d| d.facts.as_ref().and_then(|f| latest(&f.test_runs))));
    let tests = Memo::new(move |_| detail.with(|d| d.tests.clone()));
    let folder = Memo::new(move |_| {
        detail.with(|d| d.facts.as_ref().and_then(|f| f.tests.as_ref()).map(|tests| tests.path.clone()))
    });
    let run = move || {
        latest.get().map(|run| {
            view! {
                <p class="latest-run">
                    {format!("Latest run on {}, ", run.generation)}
                    <Moment at=run.finished_at/>
                    " · "
                    <HostTestsBadge tests=Some(run.summary())/>
                </p>
            }
        })
    };
    let (open_failing, open_passing) = (RwSignal::new(false), RwSignal::new(false));
    let rows = move || {
        let (failing, passing) =
            tests.get().into_iter().partition(|test: &TestHistory| test.failing_since.is_some());
        let (failing, passing): (Vec<_>, Vec<_>) = (failing, passing);
        if !failing.is_empty() || !passing.is_empty() {
            return view! {
                <Group tests=failing class="tests-of-host" shown=FAILING open=open_failing/>
                <Group tests=passing class="tests-of-host passing" shown=PASSING open=open_passing/>
            }
            .into_any();
        }
        match folder.get() {
            Some(path) => view! {
                <p class="faint">
                    "This host has no tests. Every executable in "<code>{path}</code>" on the host is one: it passes if it exits with 0."
                </p>
            }
            .into_any(),
            None => view! { <p class="faint">"No test has run on this host yet."</p> }.into_any(),
        }
    };
    view! { {run} {rows} }.into_any()
}

/// How many failing tests are shown at first, each with its output.
const FAILING: usize = 10;
/// How many other tests are shown at first.
const PASSING: usize = 12;

/// Some tests, the first of them shown and the others folded.
#[component]
fn Group(
    mut tests: Vec<TestHistory>,
    class: &'static str,
    shown: usize,
    open: RwSignal<bool>,
) -> impl IntoView {
    if tests.is_empty() {
        return ().into_any();
    }
    let rows = move |tests: Vec<TestHistory>| {
        let rows = tests.into_iter().map(|test| view! { <OneTest test/> }.into_any()).collect_view();
        view! { <ul class=class>{rows}</ul> }.into_any()
    };
    let others = tests.split_off(tests.len().min(shown));
    let count = others.len();
    let others = (count > 0).then(|| view! { <FoldedRest count open>{rows(others)}</FoldedRest> });
    view! { {rows(tests)} {others} }.into_any()
}

fn latest(runs: &[TestRun]) -> Option<TestRun> {
    runs.iter().max_by_key(|run| run.finished_at).cloned()
}

#[component]
fn OneTest(test: TestHistory) -> impl IntoView {
    let log_address = use_log_address();
    let last = test.outcomes.first().cloned();
    let state = match &last {
        None => State::Unknown,
        Some(last) if last.passed => State::Ok,
        Some(_) => State::Failed,
    };
    let words = match (&test.failing_since, &last) {
        (Some(since), _) => failing(since).into_any(),
        (None, Some(last)) => {
            view! { {format!("passed on Gen {} in {}", last.generation, duration(last.duration_ms))} }
                .into_any()
        }
        (None, None) => view! { "has never run" }.into_any(),
    };
    let drawn = cells(&test.outcomes);
    let runs = test.outcomes.len();
    let fails = state == State::Failed;
    let strip = (runs > 0 && (fails || test.is_flaky)).then(|| {
        let width = CELL * u32::try_from(runs).unwrap_or_default();
        view! {
            <svg
                class="strip"
                role="img"
                aria-label=in_words(&test.outcomes)
                width=width.to_string()
                height=HEIGHT.to_string()
                inner_html=drawn
            ></svg>
        }
    });
    let log = last.and_then(|last| Some((last.op?, last.passed))).map(|(op, passed)| {
        let end = test_run::end_marker(&test.name, passed);
        view! {
            " "
            <a class="test-log" href=move || finding(&log_address(op), &end) data-noscroll="" data-log=op.to_string()>
                "Log"<span class="unseen">{format!(" of the latest run of {}", test.name)}</span>
            </a>
        }
    });
    view! {
        <li data-state=state.as_str() data-test=test.name.clone()>
            <div class="test-line">
                <Icon name=state.as_str()/>
                <span class="test-name">
                    <bdi><code>{test.name.clone()}</code></bdi>
                    {test.is_flaky.then(|| view! { " "<span class="badge warn" title=FLAKY>"flaky"</span> })}
                    {(test.is_there == Some(false)).then(|| view! { " "<span class="badge">"no longer on the host"</span> })}
                    " "
                    <span class="test-words">{words}{log}</span>
                </span>
                {strip}
            </div>
            {(!test.tail.is_empty()).then(|| view! {
                <details class="test-tail" open=fails>
                    <summary>"Output"</summary>
                    <pre class="tail" dir="auto">{test.tail.join("\n")}</pre>
                </details>
            })}
        </li>
    }
}

/// The meaning of “flaky”.
const FLAKY: &str = "It has both passed and failed on the same build, and its result changed at least twice in its latest runs, so the build is not the cause.";
const _: () = assert!(FLIPS == 2, "the sentence states the number");

fn failing(since: &FailingSince) -> impl IntoView + use<> {
    let at_least = if since.at_least { "at least " } else { "" };
    let generation = since.generation;
    view! { "failing since "{at_least}{format!("Gen {generation}, ")}<Moment at=since.at/> }
}

/// “12 ms”, “3.4 s”.
fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_test_took() {
        let words: Vec<_> = [12, 3456, 125_000].map(duration).to_vec();
        assert_eq!(words, ["12 ms", "3.4 s", "2 min 5 s"]);
    }
}
