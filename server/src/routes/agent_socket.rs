//! `GET /agent/socket`: the agents' connections.
//!
//! An agent shows the token of its host, and a join token while the host is not enrolled. It says hello within
//! [`HELLO_WITHIN`], hears whether it is welcome, and from then on both sides talk. A side that hears nothing for
//! [`SILENCE`] takes the connection for dead.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backstay_fleet::Fleet;
use backstay_fleet::agents::{Credentials, Stranger};
use backstay_fleet::hub::Connection;
use backstay_fleet::store::{HostRecord, TokenHash};
use backstay_protocol::limits::MESSAGE_BYTES;
use backstay_protocol::message::{AgentMessage, Hello, Message, ServerMessage};
use tokio::time::{Instant, interval, timeout};

use crate::lifecycle::Lifecycle;

/// How long an agent may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// How often the server asks whether the agent is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// After how long without a word a connection is dead.
const SILENCE: Duration = Duration::from_mins(1);
/// The header with the join token.
const JOIN_HEADER: &str = "x-backstay-join";

/// What an agent shows, before it has said who it is.
struct Shown {
    token: TokenHash,
    join: Option<TokenHash>,
}

/// Takes in an agent's connection.
pub(crate) async fn connect(
    State(fleet): State<Fleet>,
    State(lifecycle): State<Lifecycle>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // Browsers send an Origin with every WebSocket; agents are not browsers.
    if headers.contains_key(header::ORIGIN) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(shown) = shown(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    if shown.join.is_none() && !matches!(fleet.is_known_token(&shown.token).await, Ok(true)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade.max_message_size(MESSAGE_BYTES).max_frame_size(MESSAGE_BYTES).on_upgrade(move |socket| {
        let tasks = lifecycle.tasks.clone();
        tasks.track_future(async move {
            if let Err(why) = converse(&fleet, &lifecycle, shown, socket).await {
                tracing::info!(%why, "an agent's connection ended");
            }
        })
    })
}

fn shown(headers: &HeaderMap) -> Option<Shown> {
    let bearer = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let join = headers.get(JOIN_HEADER).and_then(|v| v.to_str().ok());
    Some(Shown { token: TokenHash::of(bearer), join: join.map(TokenHash::of) })
}

/// Why a conversation ended otherwise than by the agent hanging up.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("no hello within {}s", HELLO_WITHIN.as_secs())]
    NoHello,
    #[error("nothing heard for {}s", SILENCE.as_secs())]
    Silent,
    #[error("it has connected anew, or does not read what it is sent")]
    Replaced,
    #[error("{0}")]
    Turned(#[from] Stranger),
    #[error("{0}")]
    Message(#[from] backstay_protocol::message::MessageError),
    #[error("{0}")]
    Store(#[from] backstay_fleet::store::StoreError),
    #[error("{0}")]
    Socket(#[from] axum::Error),
}

async fn converse(
    fleet: &Fleet,
    lifecycle: &Lifecycle,
    shown: Shown,
    mut socket: WebSocket,
) -> Result<(), Ended> {
    let hello = timeout(HELLO_WITHIN, hello(&mut socket)).await.map_err(|_| Ended::NoHello)??;
    let host = match admit(fleet, shown, &hello).await {
        Ok(host) => host,
        Err(stranger) => {
            say(&mut socket, &ServerMessage::Refused { reason: stranger.told() }).await?;
            return Err(stranger.into());
        }
    };
    let (answer, connection) = fleet.greet(&host, &hello).await?;
    let Some(mut connection) = connection else { return say(&mut socket, &answer).await };
    let ended = match say(&mut socket, &answer).await {
        Ok(()) => talk(fleet, lifecycle, &mut connection, &mut socket).await,
        Err(error) => Err(error),
    };
    fleet.agent_left(&connection).await;
    tracing::info!(host = %host.name, "agent left");
    ended
}

async fn admit(fleet: &Fleet, shown: Shown, hello: &Hello) -> Result<HostRecord, Stranger> {
    let Shown { token, join } = shown;
    fleet.identify(Credentials { token, join, name: hello.name.clone(), platform: hello.platform }).await
}

async fn hello(socket: &mut WebSocket) -> Result<Hello, Ended> {
    while let Some(frame) = socket.recv().await {
        if let Frame::Text(text) = frame? {
            return match AgentMessage::decode(&text)? {
                AgentMessage::Hello(hello) => Ok(hello),
                _ => Err(Ended::NoHello),
            };
        }
    }
    Err(Ended::NoHello)
}

async fn talk(
    fleet: &Fleet,
    lifecycle: &Lifecycle,
    connection: &mut Connection,
    socket: &mut WebSocket,
) -> Result<(), Ended> {
    let mut ping = interval(PING_EVERY);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            () = lifecycle.stop.cancelled() => {
                let bye = CloseFrame { code: axum::extract::ws::close_code::RESTART, reason: "server stops".into() };
                socket.send(Frame::Close(Some(bye))).await?;
                return Ok(());
            }
            message = connection.outbox.recv() => {
                say(socket, &message.ok_or(Ended::Replaced)?).await?;
            }
            frame = socket.recv() => {
                let Some(frame) = frame else { return Ok(()) };
                heard = Instant::now();
                match frame? {
                    Frame::Text(text) => {
                        if let Some(answer) = fleet.agent_said(connection, AgentMessage::decode(&text)?).await? {
                            say(socket, &answer).await?;
                        }
                    }
                    Frame::Close(_) => return Ok(()),
                    Frame::Ping(_) | Frame::Pong(_) | Frame::Binary(_) => fleet.agent_seen(connection.host).await?,
                }
            }
            _ = ping.tick() => {
                if heard.elapsed() > SILENCE {
                    return Err(Ended::Silent);
                }
                socket.send(Frame::Ping(Vec::new().into())).await?;
            }
        }
    }
}

async fn say(socket: &mut WebSocket, message: &ServerMessage) -> Result<(), Ended> {
    Ok(socket.send(Frame::Text(message.encode()?.into())).await?)
}
