//! The agent of Backstay, which runs on every host: it reports the state of the host and performs ops.
//!
//! It is two kinds of process. The *agent* ([`cli`], `connection`) keeps the connection to the server. For
//! each op it starts a *runner* (`runner`), which outlives it. They share only the journal (`journal`) on
//! disk, and any later agent sends on what it finds there.

mod agent;
mod boot;
pub mod cli;
mod command;
mod comparison;
pub mod config;
mod connection;
mod doctor;
pub mod facts;
mod host_tests;
mod join;
mod journal;
mod launcher;
mod life;
mod lock;
mod log;
mod permissions;
mod platform;
mod probe;
mod runner;
mod scope;
mod storage;
mod systemd;
mod token;
mod trust;
mod unit;
mod user;

pub use cli::main;
