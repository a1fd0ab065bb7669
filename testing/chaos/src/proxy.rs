//! Sits between agent and server, understands their messages, and stops the world at chosen ones.

use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use backstay_model::wire::endpoint::{AGENT_SOCKET, JOIN_HEADER};
use backstay_model::wire::message::{AgentMessage, Message as _, ServerMessage};
use futures::{SinkExt as _, StreamExt as _};
use http::HeaderMap;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_hdr_async, connect_async};

use crate::schedule::Step;

/// The headers by which a server recognises an agent.
const HEADERS: [&str; 2] = ["authorization", JOIN_HEADER];
/// How long a message that another should overtake waits for that one.
const OVERTAKEN_AFTER: Duration = Duration::from_millis(250);
/// How long the side that does not notice the end of a connection is left unaware of it.
const HALF_OPEN: Duration = Duration::from_millis(1500);

type ServerSocket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type AgentSocket = WebSocketStream<TcpStream>;

/// What to do with a stopped message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    Pass,
    Repeat,
    Overtake,
    Lose,
    Cut,
    Stall(Duration),
    ServerHalfOpen,
    AgentHalfOpen,
}

/// A message that was stopped at a step and waits for a decision.
#[derive(Debug)]
pub(crate) struct Sighting {
    pub(crate) step: Step,
    pub(crate) treat: oneshot::Sender<Treatment>,
}

/// The proxy, as its users see it.
pub(crate) struct Proxy {
    pub(crate) url: String,
    wanted: Arc<Mutex<Vec<Step>>>,
    cut: tokio::sync::broadcast::Sender<Treatment>,
    pub(crate) sightings: mpsc::UnboundedReceiver<Sighting>,
}

#[derive(Clone)]
struct Shared {
    upstream: String,
    wanted: Arc<Mutex<Vec<Step>>>,
    cut: tokio::sync::broadcast::Sender<Treatment>,
    tell: mpsc::UnboundedSender<Sighting>,
}

impl Proxy {
    /// Listens, and connects every agent to `upstream`, an address of the form `127.0.0.1:1234`.
    pub(crate) async fn start(upstream: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (tell, sightings) = mpsc::unbounded_channel();
        let (cut, _) = tokio::sync::broadcast::channel(4);
        let wanted: Arc<Mutex<Vec<Step>>> = Arc::default();
        let shared = Shared { upstream, wanted: Arc::clone(&wanted), cut: cut.clone(), tell };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(lead(stream, shared.clone()));
            }
        });
        Ok(Self { url, wanted, cut, sightings })
    }

    /// Stops the next messages of these steps, each once.
    pub(crate) fn want(&self, steps: Vec<Step>) {
        *lock(&self.wanted) = steps;
    }

    /// Treats every existing connection, including messages on their way.
    pub(crate) fn treat_now(&self, treatment: Treatment) {
        // Without a connection there is nothing to cut.
        let _ = self.cut.send(treatment);
    }
}

fn lock(wanted: &Mutex<Vec<Step>>) -> MutexGuard<'_, Vec<Step>> {
    wanted.lock()
}

/// Connects one agent to the server until one of them hangs up.
async fn lead(stream: TcpStream, shared: Shared) {
    let mut headers = HeaderMap::new();
    let Ok(agent) = take_in(stream, &mut headers).await else { return };
    let Some(server) = connect(&shared.upstream, &headers).await else { return };
    Line { agent, server, held: None, doomed: false, shared }.pump().await;
}

#[expect(clippy::result_large_err, reason = "the type of tungstenite's callback")]
async fn take_in(
    stream: TcpStream,
    headers: &mut HeaderMap,
) -> Result<AgentSocket, tokio_tungstenite::tungstenite::Error> {
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        for name in HEADERS {
            if let Some(value) = request.headers().get(name) {
                headers.insert(name, value.clone());
            }
        }
        Ok(response)
    };
    accept_hdr_async(stream, look).await
}

async fn connect(upstream: &str, headers: &HeaderMap) -> Option<ServerSocket> {
    let mut request = format!("ws://{upstream}{AGENT_SOCKET}").into_client_request().ok()?;
    request.headers_mut().extend(headers.clone());
    Some(connect_async(request).await.ok()?.0)
}

/// The direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToAgent,
}

/// One agent's connection, in two halves.
struct Line {
    agent: AgentSocket,
    server: ServerSocket,
    /// A message that another should overtake.
    held: Option<(Way, Message)>,
    /// True if a message was lost, so that the connection must follow it.
    doomed: bool,
    shared: Shared,
}

/// Returns whether the connection goes on.
enum Flow {
    On,
    End(Treatment),
}

impl Line {
    async fn pump(mut self) {
        let mut cut = self.shared.cut.subscribe();
        loop {
            let waits = self.held.is_some() || self.doomed;
            let (way, message) = tokio::select! {
                Ok(treatment) = cut.recv() => {
                    match treatment {
                        Treatment::Stall(time) => tokio::time::sleep(time).await,
                        treatment => return self.end(treatment),
                    }
                    continue;
                }
                message = self.agent.next() => (Way::ToServer, message),
                message = self.server.next() => (Way::ToAgent, message),
                () = tokio::time::sleep(OVERTAKEN_AFTER), if waits => {
                    if self.doomed || self.let_go().await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            let Some(Ok(message)) = message else { return };
            // TCP loses nothing without an end: after a lost message no later one arrives.
            if self.doomed {
                return;
            }
            match self.pass(way, message).await {
                Ok(Flow::On) => {}
                Ok(Flow::End(treatment)) => return self.end(treatment),
                Err(_) => return,
            }
        }
    }

    /// Passes a message on, after doing what is requested for it.
    async fn pass(&mut self, way: Way, message: Message) -> Result<Flow> {
        let (before, after) = steps(way, &message);
        while let Some(step) = before.filter(|step| self.is_wanted(*step)) {
            match self.ask(step).await {
                Treatment::Pass => {}
                Treatment::Stall(time) => tokio::time::sleep(time).await,
                Treatment::Repeat => self.put(way, message.clone()).await?,
                Treatment::Overtake => {
                    self.let_go().await?;
                    self.held = Some((way, message));
                    return Ok(Flow::On);
                }
                Treatment::Lose => {
                    self.doomed = true;
                    return Ok(Flow::On);
                }
                treatment => return Ok(Flow::End(treatment)),
            }
        }
        self.put(way, message.clone()).await?;
        if self.held.as_ref().is_some_and(|(held, _)| *held == way) {
            self.let_go().await?;
        }
        while let Some(step) = after.filter(|step| self.is_wanted(*step)) {
            match self.ask(step).await {
                Treatment::Pass | Treatment::Overtake | Treatment::Lose => {}
                Treatment::Stall(time) => tokio::time::sleep(time).await,
                Treatment::Repeat => self.put(way, message.clone()).await?,
                treatment => return Ok(Flow::End(treatment)),
            }
        }
        Ok(Flow::On)
    }

    /// Takes one of the requested steps.
    fn is_wanted(&self, step: Step) -> bool {
        let mut wanted = lock(&self.shared.wanted);
        let place = wanted.iter().position(|other| *other == step);
        place.map(|place| wanted.remove(place)).is_some()
    }

    /// Stops the world until a decision arrives.
    async fn ask(&self, step: Step) -> Treatment {
        let (treat, answer) = oneshot::channel();
        if self.shared.tell.send(Sighting { step, treat }).is_err() {
            return Treatment::Pass;
        }
        answer.await.unwrap_or(Treatment::Pass)
    }

    async fn put(&mut self, way: Way, message: Message) -> Result<()> {
        match way {
            Way::ToServer => self.server.send(message).await?,
            Way::ToAgent => self.agent.send(message).await?,
        }
        Ok(())
    }

    async fn let_go(&mut self) -> Result<()> {
        match self.held.take() {
            Some((way, message)) => self.put(way, message).await,
            None => Ok(()),
        }
    }

    /// Ends the connection as requested, and loses what is on its way.
    fn end(self, treatment: Treatment) {
        match treatment {
            Treatment::ServerHalfOpen => keep(self.server),
            Treatment::AgentHalfOpen => keep(self.agent),
            _ => {}
        }
    }
}

/// Keeps a socket open for a while, and neither reads nor answers.
fn keep<S: Send + 'static>(socket: S) {
    tokio::spawn(async move {
        tokio::time::sleep(HALF_OPEN).await;
        drop(socket);
    });
}

/// The steps of a message, before it is passed on and after.
fn steps(way: Way, message: &Message) -> (Option<Step>, Option<Step>) {
    let Message::Text(text) = message else { return (None, None) };
    match way {
        Way::ToAgent => match ServerMessage::decode(text) {
            Ok(ServerMessage::Run { .. }) => (Some(Step::Sent), None),
            Ok(ServerMessage::FinishStored { .. }) => (Some(Step::Stored), None),
            _ => (None, None),
        },
        Way::ToServer => match AgentMessage::decode(text) {
            Ok(AgentMessage::Accepted { .. }) => (Some(Step::Accepted), Some(Step::Acknowledged)),
            Ok(AgentMessage::Output { .. }) => (Some(Step::Output), None),
            Ok(AgentMessage::Finished { .. }) => (Some(Step::Ended), None),
            _ => (None, None),
        },
    }
}
