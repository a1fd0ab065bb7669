//! The agent of Backstay, which lives on every host: it reports what the host is and does what it is asked to.
//!
//! It is two kinds of process. The *agent* ([`cli`], `connection`) holds the connection to the server. For each op it
//! starts a *runner* (`runner`), which outlives it. They know each other only through the journal (`journal`) on disk:
//! whichever agent is alive sends on what is there.

mod agent;
mod boot;
pub mod cli;
mod command;
mod comparison;
pub mod config;
mod connection;
pub mod facts;
mod host_tests;
mod journal;
mod launcher;
mod life;
mod lock;
mod log;
mod platform;
mod runner;
mod storage;
mod systemd;
mod token;
mod unit;
mod user;

pub use cli::main;
