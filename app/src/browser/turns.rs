//! Work that waits for its turn, so that the page stays smooth while it is done: each frame does as much of it as fits.

use std::cell::RefCell;

use js_sys::Promise;
use leptos::prelude::window;
use leptos::task::{spawn_local, tick};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

/// How much of a frame such work may take, in milliseconds; with sixty frames each second, one lasts for 16.
const BUDGET: f64 = 6.0;

/// Something to be done to a part of the page.
struct Job {
    part: HtmlElement,
    run: Box<dyn FnOnce()>,
}

/// What waits on this page.
#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    /// Whether somebody works at it.
    at_work: bool,
}

thread_local! {
    static WAITING: RefCell<Waiting> = RefCell::default();
}

/// Does something to a part of the page in one of the next frames; parts that are nearer to what is seen have their turn
/// earlier. The job is to look anew at what is wanted: that may have changed meanwhile.
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
            // What follows from it is worked out before the clock is looked at, and the browser's own work is done.
            tick().await;
            job.part.get_bounding_client_rect();
        }
    }
}

/// Puts what is nearest to what is seen last, from where it is taken; whether there is anything.
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
        // Fails in no window that shows a page.
        let _ = window().request_animation_frame(&resolve);
    };
    // Nothing rejects it.
    let _ = JsFuture::from(Promise::new(&mut ask)).await;
}

fn now() -> f64 {
    window().performance().map(|clock| clock.now()).unwrap_or_default()
}
