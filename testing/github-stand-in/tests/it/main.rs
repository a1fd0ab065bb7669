//! Checks the stand-in against git and against GitHub's own description of its API.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod access;
mod app;
mod contents;
mod coverage;
mod crowd;
mod described;
mod gates;
mod harness;
mod histories;
mod history;
mod merging;
mod octocrab;
mod program;
mod pulls;
mod refs;
mod rules;
mod webhooks;
