//! Constants that both ends of an agent's connection share before the first message.

use std::time::Duration;

/// Path of the agents' WebSocket, below the server's address.
pub const AGENT_SOCKET: &str = "/agent/socket";

/// Header that carries a join token while the host is not enrolled. The host's own token is the
/// `Authorization` header.
pub const JOIN_HEADER: &str = "x-backstay-join";

/// Interval at which each side pings the other.
pub const PING_EVERY: Duration = Duration::from_secs(20);

/// A side that receives nothing for this long closes the connection.
pub const SILENCE: Duration = Duration::from_mins(1);

/// Size of each side's read buffer, in bytes. The WebSocket library allocates it when a connection opens and keeps it, so
/// that an idle host costs this much; its default is 128 KiB. A longer message is read in several steps.
pub const READ_BUFFER_BYTES: usize = 4 * 1024;
