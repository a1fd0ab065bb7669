//! Opens the agent's socket on the server.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use backstay_model::wire::endpoint::{AGENT_SOCKET, JOIN_HEADER};
use backstay_model::wire::limits::{MESSAGE_BYTES, cut};
use http::Uri;
use http::header::{AUTHORIZATION, HeaderValue};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, handshake::client::Request};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use crate::agent::Agent;

/// How long connecting may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The agent's socket.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The address of the socket on a server.
///
/// # Errors
/// Why there is none.
pub(crate) fn address(server: &str) -> Result<Uri, String> {
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

/// Connects to the server and shows it who this host is.
pub(super) async fn connect(agent: &Agent, connector: Connector) -> Result<Socket> {
    let request = request(agent)?;
    let limits =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES)).max_frame_size(Some(MESSAGE_BYTES));
    let connecting = connect_async_tls_with_config(request, Some(limits), true, Some(connector));
    let answer = tokio::time::timeout(TIMEOUT, connecting)
        .await
        .map_err(|_| anyhow!("{} does not answer", agent.config.server))?;
    match answer {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => {
            if response.status() == http::StatusCode::UNAUTHORIZED {
                // Perhaps the host was removed and is to be enrolled again: a join token is looked for from now on.
                agent.token.set_enrolled(false);
            }
            let said = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            bail!("the server answered {}: {}", response.status(), cut(said.trim(), 300))
        }
        Err(error) => Err(anyhow!(error).context(format!("connecting to {}", agent.config.server))),
    }
}

fn request(agent: &Agent) -> Result<Request> {
    let address = address(&agent.config.server).map_err(|why| anyhow!(why))?;
    let mut request = address.into_client_request()?;
    let secret = |text: &str| -> Result<HeaderValue> {
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| anyhow!("a token has characters that it must not have"))?;
        value.set_sensitive(true);
        Ok(value)
    };
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", agent.token.secret()))?);
    if let Some(join) = agent.token.join_token(&agent.config) {
        headers.insert(JOIN_HEADER, secret(&join)?);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_taken() {
        for (server, socket) in [
            ("https://backstay.example.org", "wss://backstay.example.org/agent/socket"),
            ("http://127.0.0.1:7340/", "ws://127.0.0.1:7340/agent/socket"),
            ("wss://example.org/backstay/", "wss://example.org/backstay/agent/socket"),
            ("ws://[::1]:80", "ws://[::1]:80/agent/socket"),
        ] {
            assert_eq!(address(server).unwrap().to_string(), socket);
        }
    }

    #[test]
    fn addresses_that_are_not() {
        for server in ["", "backstay.example.org", "ftp://a", "https://a:b@c", "https://a?b=c", "https://"] {
            assert!(address(server).is_err(), "{server}");
        }
    }
}
