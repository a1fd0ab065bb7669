//! The version of the agent protocol.

/// The version of the agent protocol that this build speaks.
///
/// It is raised when a message changes so that the other side would misread it. Server and agent refuse to work with
/// another version and say so; see [`Refused`](crate::wire::message::ServerMessage::Refused).
pub const PROTOCOL_VERSION: u32 = 1;
