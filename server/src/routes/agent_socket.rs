//! `GET /agent/socket`: the agents' connections.
//!
//! An agent shows the token of its host, and a join token while the host is not enrolled. It says hello within
//! [`HELLO_WITHIN`], hears whether it is welcome, and from then on both sides talk. A side that hears nothing for
//! [`SILENCE`] takes the connection for dead.

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
/// Why a connection with an `Origin` is not taken.
const ORIGIN_SENT: &str = "This address is for agents, which send no Origin header. If a proxy adds it, have the proxy remove it: in nginx, \
     proxy_set_header Origin \"\";";
/// The close code of this protocol: the reason says why.
const GIVEN_UP: u16 = 4000;
/// The longest reason that a close frame holds, in bytes (RFC 6455, 5.5).
const REASON_BYTES: usize = 123;
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);
/// How often it is written down that an agent that says nothing is there.
const SEEN_EVERY: Duration = Duration::from_secs(10);

/// What an agent shows, before it has said who it is.
struct Shown {
    token: TokenHash,
    join: Option<TokenHash>,
}

/// Takes in an agent's connection.
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
    let Some(shown) = shown(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    if shown.join.is_none() {
        match fleet.is_known_token(&shown.token).await {
            Ok(true) => {
                if let Some(Extension(place)) = &place {
                    place.give_to_agent(&shown.token.0);
                }
            }
            Ok(false) => return StatusCode::UNAUTHORIZED.into_response(),
            Err(error) => {
                tracing::error!(%error, "an agent's token could not be looked up");
                return (StatusCode::SERVICE_UNAVAILABLE, "The server cannot look this host up now.")
                    .into_response();
            }
        }
    }
    let place = place.map(|Extension(place)| place);
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES).max_frame_size(MESSAGE_BYTES);
    upgrade.read_buffer_size(READ_BUFFER_BYTES).on_upgrade(move |socket| {
        let tasks = lifecycle.tasks.clone();
        tasks.track_future(async move {
            if let Err(why) = converse(&fleet, &lifecycle, shown, place, socket).await {
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
    #[error("another connection of this host took its place, the host was removed, or it reads nothing")]
    Replaced,
    #[error("{0}")]
    Turned(#[from] AuthError),
    #[error("{0}")]
    Message(#[from] backstay_model::wire::message::MessageError),
    #[error("{0}")]
    Store(#[from] backstay_fleet::store::StoreError),
    #[error("{0}")]
    Socket(#[from] axum::Error),
}

impl Ended {
    /// What the agent is told; nothing if it was told already, or is not there to hear it.
    fn told(&self) -> Option<String> {
        match self {
            Self::Turned(_) | Self::Socket(_) => None,
            // What is behind the door is for the server's log.
            Self::Store(_) => Some("the server cannot store what this host says now".to_owned()),
            Self::NoHello | Self::Silent | Self::Replaced | Self::Message(_) => Some(self.to_string()),
        }
    }
}

async fn converse(
    fleet: &Fleet,
    lifecycle: &Lifecycle,
    shown: Shown,
    place: Option<Arc<Place>>,
    mut socket: WebSocket,
) -> Result<(), Ended> {
    let ended = converse_until_end(fleet, lifecycle, shown, place, &mut socket).await;
    if let Some(reason) = ended.as_ref().err().and_then(Ended::told) {
        let bye = CloseFrame { code: GIVEN_UP, reason: cut(&reason, REASON_BYTES).into() };
        // It may have gone already.
        let _ = timeout(GOODBYE, socket.send(Frame::Close(Some(bye)))).await;
    }
    ended
}

async fn converse_until_end(
    fleet: &Fleet,
    lifecycle: &Lifecycle,
    shown: Shown,
    place: Option<Arc<Place>>,
    socket: &mut WebSocket,
) -> Result<(), Ended> {
    let token = shown.token.0.clone();
    let hello = timeout(HELLO_WITHIN, hello(socket)).await.map_err(|_| Ended::NoHello)??;
    let host = match admit(fleet, shown, &hello).await {
        Ok(host) => host,
        Err(stranger) => {
            say(socket, &ServerMessage::Refused { reason: stranger.told() }).await?;
            return Err(stranger.into());
        }
    };
    // One that comes again and again waits before it is greeted: each hello is told to all pages.
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
    tracing::info!(host = %host.name, "agent left");
    ended
}

async fn admit(fleet: &Fleet, shown: Shown, hello: &Hello) -> Result<HostRecord, AuthError> {
    let Shown { token, join } = shown;
    fleet.authenticate(Credentials { token, join, name: hello.name.clone(), platform: hello.platform }).await
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
    let mut seen = Instant::now();
    // Until then, the host has said more than it may, and is not listened to.
    let mut busy_until = Instant::now();
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
                    Frame::Ping(_) | Frame::Pong(_) | Frame::Binary(_) if seen.elapsed() > SEEN_EVERY => {
                        seen = Instant::now();
                        fleet.touch(connection.host).await?;
                    }
                    Frame::Ping(_) | Frame::Pong(_) | Frame::Binary(_) => {}
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
