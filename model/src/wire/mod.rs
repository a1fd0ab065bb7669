//! What travels between the programs: [`message`]s between server and agent and how they are delivered
//! ([`delivery`]), [`event`]s from server to page, and the facts that both ends of a connection must agree on
//! ([`endpoint`], [`limits`]).

pub mod delivery;
pub mod endpoint;
pub mod event;
pub mod limits;
pub mod message;
