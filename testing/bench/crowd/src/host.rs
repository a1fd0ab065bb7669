//! One host's connection.

use anyhow::{Context as _, Result, bail};
use backstay_fleet::secret::Secret;
use backstay_model::wire::endpoint::{AGENT_SOCKET, JOIN_HEADER, PING_EVERY};
use backstay_model::wire::message::{AgentMessage, Hello, Message as _, OpResult, ServerMessage};
use backstay_model::{Clock as _, HostId, OpKind, Outcome, PROTOCOL_VERSION, SystemClock};
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::interval;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::facts::{self, State};

/// A host that has joined.
pub(crate) struct Host {
    /// The server's name for it.
    pub(crate) id: HostId,
    number: u32,
    state: State,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Host {
    /// Joins with a token, and reports the host's state.
    pub(crate) async fn join(server: &str, number: u32, join: &Secret) -> Result<Self> {
        let mut request =
            format!("{}{AGENT_SOCKET}", server.replacen("http", "ws", 1)).into_client_request()?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", Secret::random().reveal()))?;
        request.headers_mut().insert("authorization", bearer);
        request.headers_mut().insert(JOIN_HEADER, HeaderValue::from_str(join.reveal())?);
        let (socket, _) = connect_async(request).await.context("the server takes no connection")?;
        let state = State::first(number);
        let mut host = Self { id: HostId::new(), number, state, socket };
        host.say(&AgentMessage::Hello(Hello {
            protocol: PROTOCOL_VERSION,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            name: facts::name(number),
            platform: facts::platform(number),
            instance: None,
        }))
        .await?;
        host.id = host.welcome().await?;
        host.say(&AgentMessage::Journal { ops: vec![], damaged: vec![] }).await?;
        host.report().await?;
        Ok(host)
    }

    /// Stays connected, runs its tests again on each order, and succeeds with each op.
    pub(crate) async fn stay(mut self, mut told: Receiver<()>) -> Result<()> {
        let mut ping = interval(PING_EVERY);
        loop {
            tokio::select! {
                _ = ping.tick() => self.socket.send(Frame::Ping(vec![].into())).await?,
                order = told.recv() => {
                    let Some(()) = order else { return Ok(()) };
                    self.state = self.state.after_tests();
                    self.report().await?;
                }
                // Reading on answers pings.
                frame = self.socket.next() => match frame {
                    Some(frame) => self.hear(&frame?).await?,
                    None => return Ok(()),
                }
            }
        }
    }

    async fn hear(&mut self, frame: &Frame) -> Result<()> {
        let Frame::Text(text) = frame else { return Ok(()) };
        let ServerMessage::Run { op, action, .. } = ServerMessage::decode(text)? else { return Ok(()) };
        self.say(&AgentMessage::Accepted { op }).await?;
        let started_at = SystemClock.now();
        if action.kind() == OpKind::Test {
            self.state.failing = 0;
        }
        let result = OpResult {
            outcome: Outcome::Completed,
            exit_code: Some(0),
            commit: None,
            message: format!("{} is done.", action.kind().title()),
            started_at,
            finished_at: SystemClock.now(),
        };
        let facts = Box::new(facts::facts(self.number, self.state));
        self.say(&AgentMessage::Finished { op, result, lines: 0, facts }).await
    }

    /// Leaves, and waits until the server has noticed.
    pub(crate) async fn leave(mut self) -> Result<()> {
        self.socket.close(None).await?;
        while let Some(frame) = self.socket.next().await {
            if frame.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn welcome(&mut self) -> Result<HostId> {
        while let Some(frame) = self.socket.next().await {
            if let Frame::Text(text) = frame? {
                return match ServerMessage::decode(&text)? {
                    ServerMessage::Welcome { host, .. } => Ok(host),
                    other => bail!("no welcome, but {other:?}"),
                };
            }
        }
        bail!("the server hung up")
    }

    async fn report(&mut self) -> Result<()> {
        let facts = Box::new(facts::facts(self.number, self.state));
        self.say(&AgentMessage::Facts { facts }).await
    }

    async fn say(&mut self, message: &AgentMessage) -> Result<()> {
        Ok(self.socket.send(Frame::text(message.encode()?)).await?)
    }
}
