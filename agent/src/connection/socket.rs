//! Opens the agent's socket on the server.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use backstay_model::wire::endpoint::{JOIN_HEADER, READ_BUFFER_BYTES};
use backstay_model::wire::limits::{MESSAGE_BYTES, cut};
use http::header::{AUTHORIZATION, HeaderValue};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, handshake::client::Request};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use crate::agent::Agent;
use crate::config::{Config, socket_address};

/// Time limit for connecting.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// The agent's socket.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects to the server with the host's credentials.
pub(super) async fn connect(agent: &Agent, connector: Connector) -> Result<Socket> {
    let join = agent.token.join_token(&agent.config);
    let request = request(&agent.config, Some(agent.token.secret()), join.as_deref())?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
        .read_buffer_size(READ_BUFFER_BYTES);
    let connecting = connect_async_tls_with_config(request, Some(limits), true, Some(connector));
    let answer = tokio::time::timeout(TIMEOUT, connecting)
        .await
        .map_err(|_| anyhow!("{} does not answer", agent.config.server))?;
    match answer {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => {
            if response.status() == http::StatusCode::UNAUTHORIZED {
                // The host may have been removed, to be enrolled again: use the join token from now on.
                agent.token.set_enrolled(false);
            }
            let said = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            bail!("the server answered {}: {}", response.status(), cut(said.trim(), 300))
        }
        Err(error) => Err(anyhow!(error).context(format!("connecting to {}", agent.config.server))),
    }
}

/// A request for the socket with these credentials.
pub(super) fn request(config: &Config, token: Option<&str>, join: Option<&str>) -> Result<Request> {
    let address = socket_address(&config.server).map_err(|why| anyhow!(why))?;
    let mut request = address.into_client_request()?;
    let secret = |text: &str| -> Result<HeaderValue> {
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| anyhow!("a token contains characters that a header must not contain"))?;
        value.set_sensitive(true);
        Ok(value)
    };
    let headers = request.headers_mut();
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, secret(&format!("Bearer {token}"))?);
    }
    if let Some(join) = join {
        headers.insert(JOIN_HEADER, secret(join)?);
    }
    Ok(request)
}
