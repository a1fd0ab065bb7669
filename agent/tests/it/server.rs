//! A stand-in for the server: accepts agents and speaks the protocol as a test requires.

use std::collections::VecDeque;

use backstay_model::wire::message::{AgentMessage, Hello, Message as _, OpResult, ServerMessage};
use backstay_model::{Facts, HostId, OpAction, OpId, Outcome, OutputLine, PROTOCOL_VERSION, Phase};
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use crate::wait::within;

/// A server that listens.
pub(crate) struct Server {
    listener: TcpListener,
    pub(crate) url: String,
}

/// The headers that an agent sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) join: Option<String>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, url }
    }

    /// Accepts the next agent and welcomes it.
    pub(crate) async fn accept(&self) -> Connection {
        let mut connection = self.accept_silently().await;
        connection.welcome().await;
        connection
    }

    /// Accepts the next agent and reads its hello, without an answer.
    pub(crate) async fn accept_silently(&self) -> Connection {
        within("an agent", async {
            loop {
                let (stream, _) = self.listener.accept().await.unwrap();
                if let Some(connection) = Connection::open(stream, None).await {
                    return connection;
                }
            }
        })
        .await
    }

    /// Rejects the next agent with this status, and returns its headers.
    pub(crate) async fn turn_away(&self, status: u16) -> Credentials {
        within("an agent", async {
            let (stream, _) = self.listener.accept().await.unwrap();
            let mut seen = Credentials::default();
            let _ = handshake(stream, Some(status), &mut seen).await;
            seen
        })
        .await
    }
}

type Socket = WebSocketStream<TcpStream>;

#[expect(clippy::result_large_err, reason = "the type of tungstenite's callback")]
async fn handshake(stream: TcpStream, status: Option<u16>, seen: &mut Credentials) -> Option<Socket> {
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        *seen = Credentials {
            path: request.uri().to_string(),
            authorization: header("authorization").unwrap_or_default(),
            join: header("x-backstay-join"),
        };
        match status {
            None => Ok(response),
            Some(status) => {
                let mut refused = ErrorResponse::new(Some("not you".to_owned()));
                *refused.status_mut() = status.try_into().unwrap();
                Err(refused)
            }
        }
    };
    accept_hdr_async_with_config(stream, look, Some(WebSocketConfig::default())).await.ok()
}

/// One agent's connection.
pub(crate) struct Connection {
    socket: Socket,
    /// Messages that arrived during a wait for others, and are still to be read.
    put_by: VecDeque<AgentMessage>,
    pub(crate) hello: Hello,
    pub(crate) journal: Vec<OpId>,
    pub(crate) credentials: Credentials,
}

/// Everything received about an op.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) lines: Vec<OutputLine>,
    pub(crate) phases: Vec<Phase>,
    pub(crate) result: OpResult,
    pub(crate) facts: Facts,
}

impl Heard {
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line.text.as_str()).collect()
    }

    pub(crate) fn has_line(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.text.contains(text))
    }

    #[track_caller]
    pub(crate) fn expect(&self, outcome: Outcome) -> &str {
        assert_eq!(self.result.outcome, outcome, "{self:#?}");
        let numbers: Vec<u64> = self.lines.iter().map(|line| line.seq).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "lines have gaps");
        &self.result.message
    }
}

impl Connection {
    async fn open(stream: TcpStream, status: Option<u16>) -> Option<Self> {
        let mut credentials = Credentials::default();
        let mut socket = handshake(stream, status, &mut credentials).await?;
        let AgentMessage::Hello(hello) = next(&mut socket).await? else { panic!("no greeting") };
        assert_eq!(hello.protocol, PROTOCOL_VERSION);
        Some(Self { socket, put_by: VecDeque::new(), hello, journal: vec![], credentials })
    }

    /// Welcomes the agent, and reads its journal message.
    pub(crate) async fn welcome(&mut self) {
        self.send(&ServerMessage::Welcome { server_version: "0.1.0".into(), host: HostId::new() }).await;
        let AgentMessage::Journal { ops, .. } = self.next().await else {
            panic!("no journal after the welcome")
        };
        self.journal = ops;
    }

    pub(crate) async fn send(&mut self, message: &ServerMessage) {
        self.send_text(message.encode().unwrap()).await;
    }

    pub(crate) async fn send_text(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The agent's next message.
    pub(crate) async fn next(&mut self) -> AgentMessage {
        within("a message", self.listen()).await
    }

    async fn listen(&mut self) -> AgentMessage {
        let message = match self.put_by.pop_front() {
            Some(message) => Some(message),
            None => next(&mut self.socket).await,
        };
        message.expect("the agent closed the connection")
    }

    /// Reads messages until one that `wanted` accepts. Repeated messages do not prolong the wait.
    pub(crate) async fn listen_for<T>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(AgentMessage) -> Option<T>,
    ) -> T {
        within(what, async {
            loop {
                if let Some(found) = wanted(self.listen().await) {
                    return found;
                }
            }
        })
        .await
    }

    /// Waits until the agent has handled every message sent to it. Messages that arrive during the wait are
    /// read afterwards.
    pub(crate) async fn has_acted(&mut self) {
        // It handles messages one by one, and answers a ping once it has reached it.
        self.socket.send(Message::Ping(vec![].into())).await.unwrap();
        within("the answer to a ping", async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Pong(_))) => return,
                    Some(Ok(Message::Text(text))) => {
                        self.put_by.push_back(AgentMessage::decode(&text).unwrap());
                    }
                    Some(Ok(_)) => {}
                    closed => panic!("the agent closed the connection: {closed:?}"),
                }
            }
        })
        .await;
    }

    /// Whether the agent closes the connection properly, whatever it sends before.
    pub(crate) async fn is_closed(&mut self) -> bool {
        within("the end", async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Close(_))) => return true,
                    Some(Ok(_)) => {}
                    _ => return false,
                }
            }
        })
        .await
    }

    /// The next facts of the agent.
    pub(crate) async fn facts(&mut self) -> Facts {
        self.listen_for("facts", |message| match message {
            AgentMessage::Facts { facts } => Some(*facts),
            _ => None,
        })
        .await
    }

    /// Waits until a message reports that the host is on this generation. A repeated result carries the facts
    /// too, and they are not sent again after that.
    pub(crate) async fn told_on(&mut self, number: u32) {
        self.listen_for("facts on that generation", |message| match message {
            AgentMessage::Facts { facts } | AgentMessage::Finished { facts, .. } => {
                facts.current().filter(|current| current.number == number).map(|_| ())
            }
            _ => None,
        })
        .await;
    }

    /// Requests an op, and waits until the agent has it.
    pub(crate) async fn run(&mut self, action: OpAction) -> OpId {
        self.run_within(action, 120).await
    }

    pub(crate) async fn run_within(&mut self, action: OpAction, timeout_secs: u64) -> OpId {
        let op = OpId::new();
        self.send(&ServerMessage::Run { op, action, timeout_secs, test_timeout_secs: None }).await;
        self.accepted(op).await;
        op
    }

    pub(crate) async fn accepted(&mut self, op: OpId) {
        self.listen_for("the op to be accepted", |message| {
            (message == AgentMessage::Accepted { op }).then_some(())
        })
        .await;
    }

    /// Reads until the op's output has this line, and acknowledges nothing.
    pub(crate) async fn line(&mut self, op: OpId, text: &str) {
        self.listen_for("a line", |message| match message {
            AgentMessage::Output { op: of, lines } if of == op => {
                lines.iter().any(|line| line.text.contains(text)).then_some(())
            }
            AgentMessage::Finished { op: of, result, .. } if of == op => panic!("it ended: {result:?}"),
            _ => None,
        })
        .await;
    }

    /// Waits until the agent reports that an op has ended, after this many lines.
    pub(crate) async fn told_end(&mut self, op: OpId, after: usize) {
        let lines = self.listen_for("the end of the op", |message| match message {
            AgentMessage::Finished { op: of, lines, .. } if of == op => Some(lines),
            _ => None,
        });
        assert_eq!(lines.await, after as u64, "lines that the end speaks of");
    }

    /// Reads an op to its end, acknowledges its lines and result, and so lets the agent forget it.
    pub(crate) async fn finish(&mut self, op: OpId) -> Heard {
        let heard = self.hear(op).await;
        self.send(&ServerMessage::FinishStored { op }).await;
        heard
    }

    /// Reads an op to its end and acknowledges its lines, but not its result.
    pub(crate) async fn hear(&mut self, op: OpId) -> Heard {
        within("the end of the op", self.hear_all(op)).await
    }

    async fn hear_all(&mut self, op: OpId) -> Heard {
        let (mut lines, mut phases): (Vec<OutputLine>, Vec<Phase>) = (vec![], vec![]);
        loop {
            match self.listen().await {
                AgentMessage::Output { op: of, lines: more } if of == op => {
                    let last = lines.last().map_or(0, |line| line.seq);
                    lines.extend(more.into_iter().filter(|line| line.seq > last));
                    let through = lines.last().map_or(0, |line| line.seq);
                    self.send(&ServerMessage::OutputStored { op, through }).await;
                }
                AgentMessage::Progress { op: of, phase } if of == op => phases.push(phase),
                AgentMessage::Finished { op: of, result, lines: count, facts } if of == op => {
                    // Lines that were stored on an earlier connection are not sent again.
                    let last = lines.last().map_or(count, |line| line.seq);
                    assert_eq!(last, count, "lines that the end speaks of");
                    return Heard { lines, phases, result, facts: *facts };
                }
                _ => {}
            }
        }
    }
}

async fn next(socket: &mut Socket) -> Option<AgentMessage> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return Some(AgentMessage::decode(&text).unwrap()),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}
