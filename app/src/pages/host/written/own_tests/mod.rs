//! The host's own tests, each with the results of its latest runs.

mod strip;

use backstay_model::test_history::{FLIPS, FailingSince, TestHistory};
use backstay_model::view::HostDetail;
use backstay_model::{State, TestRun, test_run};
use leptos::prelude::*;

use super::LogAddress;
use crate::components::{FoldedRest, HostTestsBadge, Icon, Moment, finding};
use strip::{CELL, HEIGHT, cells, in_words};

/// The latest run, and each test with its history.
pub(super) fn tests(detail: &HostDetail, log: LogAddress<'_>) -> AnyView {
    let latest = detail.facts.as_ref().and_then(|facts| latest(&facts.test_runs)).map(|run| {
        view! {
            <p class="latest-run">
                {format!("Latest run on {}, ", run.generation)}
                <Moment at=run.finished_at/>
                " · "
                <HostTestsBadge tests=Some(run.summary())/>
            </p>
        }
    });
    if detail.tests.is_empty() {
        return view! { {latest} {no_tests(detail)} }.into_any();
    }
    let (failing, passing): (Vec<_>, Vec<_>) =
        detail.tests.iter().partition(|test| test.failing_since.is_some());
    view! {
        {latest}
        {group(&failing, "tests-of-host", FAILING, "other-failing", log)}
        {group(&passing, "tests-of-host passing", PASSING, "other-passing", log)}
    }
    .into_any()
}

fn no_tests(detail: &HostDetail) -> AnyView {
    match detail.facts.as_ref().and_then(|facts| facts.tests.as_ref()) {
        Some(tests) => view! {
            <p class="faint">
                "This host has no tests. Every executable in "<code>{tests.path.clone()}</code>" on the host is one: it passes if it exits with 0."
            </p>
        }
        .into_any(),
        None => view! { <p class="faint">"No test has run on this host yet."</p> }.into_any(),
    }
}

/// How many failing tests are shown at first, each with its output.
const FAILING: usize = 10;
/// How many other tests are shown at first.
const PASSING: usize = 12;

/// Some tests, the first of them shown and the others folded.
fn group(
    tests: &[&TestHistory],
    class: &'static str,
    shown: usize,
    id: &'static str,
    log: LogAddress<'_>,
) -> Option<AnyView> {
    let rows = |tests: &[&TestHistory]| {
        let rows = tests.iter().map(|test| one_test(test, log)).collect_view();
        view! { <ul class=class>{rows}</ul> }.into_any()
    };
    let (first, others) = tests.split_at(tests.len().min(shown));
    let others = (!others.is_empty()).then(|| {
        let (count, others) = (others.len(), rows(others));
        view! { <FoldedRest id count>{others}</FoldedRest> }
    });
    (!first.is_empty()).then(|| view! { {rows(first)} {others} }.into_any())
}

fn latest(runs: &[TestRun]) -> Option<&TestRun> {
    runs.iter().max_by_key(|run| run.finished_at)
}

fn one_test(test: &TestHistory, log: LogAddress<'_>) -> AnyView {
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
            <a class="test-log" href=finding(&log(op), &end) data-noscroll="" data-log=op.to_string()>
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
                <details class="test-tail" id=format!("output-{}", test.name) open=fails>
                    <summary>"Output"</summary>
                    <pre class="tail" dir="auto">{test.tail.join("\n")}</pre>
                </details>
            })}
        </li>
    }
    .into_any()
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
