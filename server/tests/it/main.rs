//! The server as the world meets it: the real binary, a real database, agents and browsers over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod agents;
mod browsers;
mod delivery;
mod files;
mod github;
mod harness;
mod markup;
mod output;
mod rendering;
mod rollback;
