//! What the tests said of a generation.

use backstay_model::TestSummary;
use leptos::prelude::*;

/// “Tests: PASSED (8/8) ✓”.
#[component]
pub fn TestsOf(
    /// The latest run; none where there was none.
    tests: Option<TestSummary>,
) -> impl IntoView {
    let class = match tests {
        Some(tests) if tests.all_passed() => "tests passed",
        Some(_) => "tests failed",
        None => "tests none",
    };
    view! { <span class=class>{words(tests)}</span> }
}

fn words(tests: Option<TestSummary>) -> String {
    match tests {
        Some(tests) if tests.all_passed() => format!("Tests: PASSED ({tests}) ✓"),
        Some(tests) => format!("Tests: FAILED ({tests})"),
        None => "Tests: not run".to_owned(),
    }
}
