//! The wire format between the programs: [`message`]s between server and agent and their [`delivery`],
//! [`event`]s from server to page, and shared constants ([`endpoint`], [`limits`]).

pub mod delivery;
pub mod endpoint;
pub mod event;
pub mod limits;
pub mod message;
