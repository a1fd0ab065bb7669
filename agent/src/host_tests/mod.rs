//! A host's tests, its own and the basic ones, and their results on each generation.

mod basic;
mod list;
mod record;
mod run;

pub(crate) use basic::{NAMES, ROOM};
pub(crate) use list::{Test, list, tests_folder};
pub(crate) use record::{delete_old, describe, record, runs, runs_folder};
pub(crate) use run::{Conditions, Stopped, Watcher, run};

#[cfg(test)]
mod tests;
