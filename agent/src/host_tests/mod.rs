//! The host's own tests: the executables in a folder, and their results on each generation.

mod list;
mod record;
mod run;

pub(crate) use list::{Test, described, list};
pub(crate) use record::{record, runs, runs_folder, told};
pub(crate) use run::{Conditions, Stopped, Watcher, run};

#[cfg(test)]
mod tests;
