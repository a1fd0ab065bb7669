//! A generation's name and its test results.

use backstay_model::{Generation, TestSummary};
use leptos::prelude::*;

/// “Gen 48 (abc1234)”.
#[component]
pub fn GenerationName(
    /// The generation.
    generation: Generation,
) -> impl IntoView {
    view! { <span class="generation">{name(&generation)}</span> }
}

/// “Gen 48 (abc1234)” as text.
pub(crate) fn name(generation: &Generation) -> String {
    match &generation.commit {
        Some(commit) => format!("Gen {} ({commit})", generation.number),
        None => format!("Gen {}", generation.number),
    }
}

/// “Tests: PASSED (8/8) ✓”.
#[component]
pub fn HostTestsBadge(
    /// The latest run of the host's tests, or `None` if they never ran.
    tests: Option<TestSummary>,
) -> impl IntoView {
    let class = match tests {
        Some(tests) if tests.all_passed() => "tests passed",
        Some(_) => "tests failed",
        None => "tests none",
    };
    view! { <span class=class>{test_words(tests)}</span> }
}

fn test_words(tests: Option<TestSummary>) -> String {
    match tests {
        Some(tests) if tests.all_passed() => format!("Tests: PASSED ({tests}) ✓"),
        Some(tests) => format!("Tests: FAILED ({tests})"),
        None => "Tests: not run".to_owned(),
    }
}
