//! The version of the agent protocol.

/// The version of the agent protocol that this build speaks.
///
/// It is incremented when a change would make the other side misread a message. Server and agent refuse to
/// work with another version and say so; see [`Refused`](crate::wire::message::ServerMessage::Refused).
pub const PROTOCOL_VERSION: u32 = 1;
