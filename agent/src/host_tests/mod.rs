//! The host's own tests: the executables in a folder, and their results on each generation.

mod list;
mod record;
mod run;

pub(crate) use list::{Test, list, tests_folder};
pub(crate) use record::{delete_old, describe, record, runs, runs_folder};
pub(crate) use run::{Conditions, Stopped, Watcher, run};

#[cfg(test)]
mod tests;
