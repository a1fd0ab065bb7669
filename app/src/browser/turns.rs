//! Work in small portions, so that the page stays smooth: each frame does as much as fits.

use std::cell::RefCell;

use js_sys::Promise;
use leptos::prelude::window;
use leptos::task::{spawn_local, tick};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

/// Time in each frame for such work, in milliseconds. At 60 frames a second, a frame lasts 16 ms.
const BUDGET: f64 = 6.0;

/// Work on a part of the page.
struct Job {
    part: HtmlElement,
    run: Box<dyn FnOnce()>,
}

/// The queue of this page.
#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    /// True while `work` runs.
    at_work: bool,
}

thread_local! {
    static WAITING: RefCell<Waiting> = RefCell::default();
}

/// Runs work on a part of the page in one of the next frames; parts nearer to the window come first. By then
/// the wanted state may have changed, so the job must read it again.
pub(crate) fn in_turn(part: &HtmlElement, run: impl FnOnce() + 'static) {
    let begins = WAITING.with_borrow_mut(|waiting| {
        waiting.jobs.push(Job { part: part.clone(), run: Box::new(run) });
        !std::mem::replace(&mut waiting.at_work, true)
    });
    if begins {
        spawn_local(work());
    }
}

async fn work() {
    while order() {
        next_frame().await;
        let began = now();
        while now() - began < BUDGET {
            let Some(job) = WAITING.with_borrow_mut(|waiting| waiting.jobs.pop()) else { break };
            (job.run)();
            // Run the job's effects and the browser's layout before reading the clock.
            tick().await;
            job.part.get_bounding_client_rect();
        }
    }
}

/// Sorts the queue so that the part nearest to the window is popped first. Returns whether there is any work.
fn order() -> bool {
    let mut jobs = WAITING.with_borrow_mut(|waiting| std::mem::take(&mut waiting.jobs));
    let middle = window().inner_height().ok().and_then(|high| high.as_f64()).unwrap_or_default() / 2.0;
    jobs.sort_by_cached_key(|job| {
        let place = job.part.get_bounding_client_rect();
        let distance = (place.top() - middle).max(middle - place.bottom()).max(0.0);
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a page")]
        std::cmp::Reverse(distance as i64)
    });
    WAITING.with_borrow_mut(|waiting| {
        waiting.at_work = !jobs.is_empty();
        waiting.jobs = jobs;
        waiting.at_work
    })
}

async fn next_frame() {
    let mut ask = |resolve: js_sys::Function, _: js_sys::Function| {
        // Cannot fail in a window that shows a page.
        let _ = window().request_animation_frame(&resolve);
    };
    // Never rejected.
    let _ = JsFuture::from(Promise::new(&mut ask)).await;
}

fn now() -> f64 {
    window().performance().map(|clock| clock.now()).unwrap_or_default()
}
