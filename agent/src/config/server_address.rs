//! The address of the server.

use std::net::IpAddr;

use backstay_model::wire::endpoint::AGENT_SOCKET;
use http::Uri;

/// Returns the address of the agents' socket on a server, or the reason that `server` is not an address.
pub(crate) fn socket_address(server: &str) -> Result<Uri, String> {
    let wrong = |why: &str| format!("server: {why}, as in https://backstay.example.org");
    let uri: Uri = server.parse().map_err(|_| wrong("must be an address"))?;
    let scheme = match uri.scheme_str() {
        Some("https" | "wss") => "wss",
        Some("http" | "ws") => "ws",
        _ => return Err(wrong("must begin with https://, http://, wss:// or ws://")),
    };
    let authority = uri.authority().ok_or_else(|| wrong("must name a host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("must not hold a password"));
    }
    if uri.query().is_some() {
        return Err(wrong("must not hold a query"));
    }
    let path = format!("{}{AGENT_SOCKET}", uri.path().trim_end_matches('/'));
    Uri::builder()
        .scheme(scheme)
        .authority(authority.as_str())
        .path_and_query(path)
        .build()
        .map_err(|_| wrong("must be an address"))
}

/// What to say of such a connection.
pub(crate) const EXPOSED: &str = "The agent talks to its server by plain http: anybody on the way can read its token, and command this host. Use \
     https:// in agent.toml.";

/// Returns whether the connection to a server crosses a network without TLS.
pub(crate) fn is_exposed(server: &str) -> bool {
    let Ok(address) = socket_address(server) else { return false };
    let host = address.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_local = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    address.scheme_str() == Some("ws") && !is_local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_addresses() {
        for (server, socket) in [
            ("https://backstay.example.org", "wss://backstay.example.org/agent/socket"),
            ("http://127.0.0.1:7340/", "ws://127.0.0.1:7340/agent/socket"),
            ("wss://example.org/backstay/", "wss://example.org/backstay/agent/socket"),
            ("ws://[::1]:80", "ws://[::1]:80/agent/socket"),
        ] {
            assert_eq!(socket_address(server).unwrap().to_string(), socket);
        }
    }

    #[test]
    fn plain_http_is_exposed_beyond_this_machine() {
        for (server, expected) in [
            ("http://backstay.lan:7340", true),
            ("ws://10.0.0.1", true),
            ("https://backstay.lan", false),
            ("http://127.0.0.1:7340", false),
            ("http://[::1]:7340", false),
            ("http://localhost:7340", false),
        ] {
            assert_eq!(is_exposed(server), expected, "{server}");
        }
    }

    #[test]
    fn rejected_addresses() {
        for server in ["", "backstay.example.org", "ftp://a", "https://a:b@c", "https://a?b=c", "https://"] {
            assert!(socket_address(server).is_err(), "{server}");
        }
    }
}
