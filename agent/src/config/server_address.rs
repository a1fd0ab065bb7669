//! The address of the server.

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
    fn rejected_addresses() {
        for server in ["", "backstay.example.org", "ftp://a", "https://a:b@c", "https://a?b=c", "https://"] {
            assert!(socket_address(server).is_err(), "{server}");
        }
    }
}
