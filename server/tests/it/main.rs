//! The server as the world meets it: the real binary, a real database, agents and browsers over real sockets.

mod agents;
mod browsers;
mod harness;
mod rollback;
