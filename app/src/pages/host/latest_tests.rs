//! The latest test run of a host.

use backstay_protocol::view::HostDetail;
use backstay_protocol::{TestResult, TestRun};
use leptos::prelude::*;

use crate::components::{Moment, TestsOf};

/// The latest test run of the host; what failed is told with the end of its output.
#[component]
pub(super) fn LatestTests(detail: RwSignal<HostDetail>) -> impl IntoView {
    let latest = Memo::new(move |_| detail.with(|d| d.facts.as_ref().and_then(|f| latest(&f.test_runs))));
    move || {
        let Some(run) = latest.get() else {
            return view! { <p class="faint">"No test has run on this host yet."</p> }.into_any();
        };
        let results = run.results.iter().map(|r| view! { <OneTest result=r.clone()/> }).collect_view();
        view! {
            <p>
                {format!("On {}, ", run.generation)}
                <Moment at=run.finished_at/>
                " · "
                <TestsOf tests=Some(run.summary())/>
            </p>
            <ul class="test-results">{results}</ul>
        }
        .into_any()
    }
}

fn latest(runs: &[TestRun]) -> Option<TestRun> {
    runs.iter().max_by_key(|run| run.finished_at).cloned()
}

#[component]
fn OneTest(result: TestResult) -> impl IntoView {
    let TestResult { name, passed, duration_ms, tail } = result;
    view! {
        <li class:failed=!passed>
            <span class="verdict">{if passed { "✓ passed" } else { "✗ failed" }}</span>
            " "
            <code>{name}</code>
            " "
            <span class="faint">{format!("{duration_ms} ms")}</span>
            {(!tail.is_empty()).then(|| view! { <pre class="tail">{tail.join("\n")}</pre> })}
        </li>
    }
}
