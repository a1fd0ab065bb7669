//! Tests the real agent: real processes, a real Nix store and profile, and a stand-in for the server that
//! speaks the protocol. Only the activation of a build is made up.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to stop")]

mod activation;
mod cancel;
mod clock;
mod comparison;
mod config;
mod connection;
mod delivery;
mod disk;
mod host;
mod launchd;
mod nix_modules;
mod observe;
mod output;
mod process;
mod profile_shapes;
mod pull;
mod pull_careful;
mod pull_locks;
mod pull_switch;
mod rollback;
mod rollback_failures;
mod self_restart;
mod server;
mod small_disk;
mod survival;
mod switch;
mod tests_op;
mod tls;
mod trees;
mod wait;
