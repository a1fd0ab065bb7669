//! The server from outside: the real binary, a real database, and agents and browsers over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod agents;
mod bad_host;
mod browsers;
mod delivery;
mod files;
mod github;
mod harness;
mod idle;
mod log_ins;
mod markup;
mod nix_module;
mod output;
mod people;
mod pins;
mod postgres;
mod rendering;
mod retention;
mod rollback;
mod stop_tests;
mod strangers;
