//! Runs the stories, some at a time, and reports on each.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::Programs;
use crate::stories::Story;

/// The number of stories that held.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Report {
    /// Runs the stories.
    pub(crate) fn of(stories: &[&Story], programs: &Programs, jobs: usize) -> Self {
        let next = AtomicUsize::new(0);
        let tell_some = || {
            let mut report = Self::default();
            while let Some(story) = stories.get(next.fetch_add(1, Ordering::Relaxed)) {
                report.count(tell(story, programs));
            }
            report
        };
        thread::scope(|scope| {
            let tellers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(tell_some)).collect();
            let reports = tellers.into_iter().map(|teller| {
                // A story that panics has a bug.
                teller.join().unwrap_or(Self { passed: 0, failed: 1 })
            });
            reports.fold(Self::default(), |one, other| Self {
                passed: one.passed + other.passed,
                failed: one.failed + other.failed,
            })
        })
    }

    fn count(&mut self, held: bool) {
        if held { self.passed += 1 } else { self.failed += 1 }
    }
}

/// Runs one story. Returns whether it held.
fn tell(story: &Story, programs: &Programs) -> bool {
    let start = Instant::now();
    let told = (story.tell)(programs);
    let took = start.elapsed().as_secs_f64();
    match told {
        Ok(()) => {
            println!("PASS {} ({took:.1} s)", story.name);
            true
        }
        Err(error) => {
            println!("FAIL {} ({took:.1} s)\n{}", story.name, indented(&format!("{error:#}")));
            false
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["    ", line, "\n"]).collect()
}
