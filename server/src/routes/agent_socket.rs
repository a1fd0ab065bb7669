//! `GET /agent/socket`: the agents' connections.
//!
//! An agent presents its host's token, and a join token until the host is enrolled. It sends a hello within [`HELLO_WITHIN`], and
//! both sides talk once the server has welcomed it. A side that receives nothing for [`SILENCE`] treats the connection as dead.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backstay_fleet::Fleet;
use backstay_fleet::agents::{AuthError, Credentials};
use backstay_fleet::budget;
use backstay_fleet::hub::Connection;
use backstay_fleet::store::{HostRecord, TokenHash};
use backstay_model::wire::endpoint::{JOIN_HEADER, PING_EVERY, READ_BUFFER_BYTES, SILENCE};
use backstay_model::wire::limits::{MESSAGE_BYTES, cut};
use backstay_model::wire::message::{AgentMessage, Hello, Message, ServerMessage};
use tokio::time::{Instant, interval, sleep_until, timeout};

use crate::lifecycle::Lifecycle;
use crate::listen::Place;

/// How long an agent may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// Why a connection with an `Origin` is rejected.
const ORIGIN_SENT: &str = "This address is for agents, which send no Origin header. If a proxy adds it, have the proxy remove it: in nginx, \
     proxy_set_header Origin \"\";";
/// The close code of this protocol; the reason is in the frame.
const CLOSED_BY_SERVER: u16 = 4000;
/// Upper bound on the reason in a close frame, in bytes (RFC 6455, 5.5).
const REASON_BYTES: usize = 123;
/// How long sending a close frame may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What an agent presents before its hello.
struct Presented {
    token: TokenHash,
    join: Option<TokenHash>,
}

/// Accepts an agent's connection.
pub(crate) async fn connect(
    State(fleet): State<Fleet>,
    State(lifecycle): State<Lifecycle>,
    place: Option<Extension<Arc<Place>>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // Browsers send an Origin with every WebSocket; agents are not browsers.
    if headers.contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, ORIGIN_SENT).into_response();
    }
    let Some(presented) = presented(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    if presented.join.is_none() {
        match fleet.is_known_token(&presented.token).await {
            Ok(true) => {
                if let Some(Extension(place)) = &place {
                    place.give_to_agent(&presented.token.0);
                }
            }
            Ok(false) => return StatusCode::UNAUTHORIZED.into_response(),
            Err(error) => {
                tracing::error!(%error, "an agent's token could not be looked up");
                return (StatusCode::SERVICE_UNAVAILABLE, "The server cannot look up this host now.")
                    .into_response();
            }
        }
    }
    let place = place.map(|Extension(place)| place);
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES).max_frame_size(MESSAGE_BYTES);
    upgrade.read_buffer_size(READ_BUFFER_BYTES).on_upgrade(move |socket| {
        let tasks = lifecycle.tasks.clone();
        tasks.track_future(async move {
            if let Err(why) = converse(&fleet, &lifecycle, presented, place, socket).await {
                tracing::info!(%why, "an agent's connection ended");
            }
        })
    })
}

fn presented(headers: &HeaderMap) -> Option<Presented> {
    let bearer = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let join = headers.get(JOIN_HEADER).and_then(|v| v.to_str().ok());
    Some(Presented { token: TokenHash::of(bearer), join: join.map(TokenHash::of) })
}

/// Why the server ended a conversation.
#[derive(Debug, thiserror::Error)]
enum EndReason {
    #[error("no hello within {} s", HELLO_WITHIN.as_secs())]
    NoHello,
    #[error("nothing received for {} s", SILENCE.as_secs())]
    Silent,
    #[error("another connection of this host replaced it, the host was removed, or the agent does not read")]
    Replaced,
    #[error("{0}")]
    Rejected(#[from] AuthError),
    #[error("{0}")]
    Message(#[from] backstay_model::wire::message::MessageError),
    #[error("{0}")]
    Store(#[from] backstay_fleet::store::StoreError),
    #[error("{0}")]
    Socket(#[from] axum::Error),
}

impl EndReason {
    /// The reason as the agent receives it, or `None` if it has received one or is gone.
    fn public_message(&self) -> Option<String> {
        match self {
            Self::Rejected(_) | Self::Socket(_) => None,
            // Only the server's log contains details of the database.
            Self::Store(_) => Some("the server cannot store what this host says now".to_owned()),
            Self::NoHello | Self::Silent | Self::Replaced | Self::Message(_) => Some(self.to_string()),
        }
    }
}

async fn converse(
    fleet: &Fleet,
    lifecycle: &Lifecycle,
    presented: Presented,
    place: Option<Arc<Place>>,
    mut socket: WebSocket,
) -> Result<(), EndReason> {
    let ended = converse_until_end(fleet, lifecycle, presented, place, &mut socket).await;
    if let Some(reason) = ended.as_ref().err().and_then(EndReason::public_message) {
        let close = CloseFrame { code: CLOSED_BY_SERVER, reason: cut(&reason, REASON_BYTES).into() };
        // The agent may be gone already.
        let _ = timeout(CLOSE_TIMEOUT, socket.send(Frame::Close(Some(close)))).await;
    }
    ended
}

async fn converse_until_end(
    fleet: &Fleet,
    lifecycle: &Lifecycle,
    presented: Presented,
    place: Option<Arc<Place>>,
    socket: &mut WebSocket,
) -> Result<(), EndReason> {
    let token = presented.token.0.clone();
    let hello = timeout(HELLO_WITHIN, hello(socket)).await.map_err(|_| EndReason::NoHello)??;
    let host = match authenticate(fleet, presented, &hello).await {
        Ok(host) => host,
        Err(rejected) => {
            say(socket, &ServerMessage::Refused { reason: rejected.public_message() }).await?;
            return Err(rejected.into());
        }
    };
    // An agent that reconnects repeatedly waits before the handshake: every page hears of each hello.
    tokio::time::sleep(fleet.charge(host.id, budget::HELLO)).await;
    let (answer, connection) = fleet.handshake(&host, &hello).await?;
    let Some(mut connection) = connection else { return say(socket, &answer).await };
    if let Some(place) = place {
        place.give_to_agent(&token);
    }
    let ended = match say(socket, &answer).await {
        Ok(()) => talk(fleet, lifecycle, &mut connection, socket).await,
        Err(error) => Err(error),
    };
    fleet.disconnected(&connection).await;
    tracing::info!(host = %host.name, "agent disconnected");
    ended
}

async fn authenticate(fleet: &Fleet, presented: Presented, hello: &Hello) -> Result<HostRecord, AuthError> {
    let Presented { token, join } = presented;
    fleet.authenticate(Credentials { token, join, name: hello.name.clone(), platform: hello.platform }).await
}

async fn hello(socket: &mut WebSocket) -> Result<Hello, EndReason> {
    while let Some(frame) = socket.recv().await {
        if let Frame::Text(text) = frame? {
            return match AgentMessage::decode(&text)? {
                AgentMessage::Hello(hello) => Ok(hello),
                _ => Err(EndReason::NoHello),
            };
        }
    }
    Err(EndReason::NoHello)
}

async fn talk(
    fleet: &Fleet,
    lifecycle: &Lifecycle,
    connection: &mut Connection,
    socket: &mut WebSocket,
) -> Result<(), EndReason> {
    let mut ping = interval(PING_EVERY);
    let mut heard = Instant::now();
    // Until then, the host has used up its budget, and the server does not read from it.
    let mut busy_until = Instant::now();
    loop {
        tokio::select! {
            () = lifecycle.stop.cancelled() => {
                let bye = CloseFrame { code: axum::extract::ws::close_code::RESTART, reason: "server stops".into() };
                socket.send(Frame::Close(Some(bye))).await?;
                return Ok(());
            }
            message = connection.outbox.recv() => {
                say(socket, &message.ok_or(EndReason::Replaced)?).await?;
            }
            frame = async {
                sleep_until(busy_until).await;
                socket.recv().await
            } => {
                let Some(frame) = frame else { return Ok(()) };
                heard = Instant::now();
                match frame? {
                    Frame::Text(text) => {
                        let message = AgentMessage::decode(&text)?;
                        busy_until = Instant::now() + fleet.charge(connection.host, budget::cost(&message, text.len()));
                        if let Some(answer) = fleet.handle_message(connection, message).await? {
                            say(socket, &answer).await?;
                        }
                    }
                    Frame::Close(_) => return Ok(()),
                    Frame::Ping(_) | Frame::Pong(_) | Frame::Binary(_) => fleet.touch(connection.host),
                }
            }
            _ = ping.tick() => {
                if heard.elapsed() > SILENCE {
                    return Err(EndReason::Silent);
                }
                socket.send(Frame::Ping(Vec::new().into())).await?;
            }
        }
    }
}

async fn say(socket: &mut WebSocket, message: &ServerMessage) -> Result<(), EndReason> {
    Ok(socket.send(Frame::Text(message.encode()?.into())).await?)
}
