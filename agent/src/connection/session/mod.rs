//! One connection, from the handshake to its end.

mod orders;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use backstay_model::wire::endpoint::{PING_EVERY, SILENCE};
use backstay_model::wire::message::{AgentMessage, Hello, Message as _, ServerMessage};
use backstay_model::{OpId, PROTOCOL_VERSION};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;

use super::background_reader::{BackgroundReader, FinishedOp, Update};
use super::follow::{self, Delivery, Follow};
use super::recent::Recent;
use super::socket::Socket;
use crate::agent::Agent;
use crate::comparison::Comparisons;
use crate::journal::Entry;
use orders::{Rejected, Times};

/// Interval between checks of the ops.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(100);
/// Interval between checks for overdue acknowledgements.
const RESEND_INTERVAL: Duration = Duration::from_secs(5);
/// Messages of one op per turn, before others have theirs.
const MESSAGES_AT_ONCE: usize = 16;
/// Time limit for the server's answer to the hello.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Interval between readings of a host that looks unchanged: a unit can fail without leaving a trace in
/// files.
const READ_INTERVAL: Duration = Duration::from_mins(1);

/// How an established connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Disconnect {
    /// This agent is stopping.
    Stopped,
    /// The server refused this agent.
    Refused(String),
    /// The server closed the connection or is restarting.
    Closed,
    /// The server closed the connection and gave a reason.
    Dismissed(String),
}

impl Disconnect {
    fn by(frame: Option<CloseFrame>) -> Self {
        match frame {
            Some(frame) if frame.code != CloseCode::Restart && !frame.reason.is_empty() => {
                Self::Dismissed(frame.reason.as_str().to_owned())
            }
            _ => Self::Closed,
        }
    }
}

/// One connection.
pub(super) struct Session<'a> {
    agent: &'a Agent,
    sink: SplitSink<Socket, Message>,
    stream: SplitStream<Socket>,
    follows: BTreeMap<OpId, Follow>,
    rejected: Recent<Rejected>,
    /// Cancels that arrived before their op.
    cancels: Recent<()>,
    reader: BackgroundReader,
    comparisons: Comparisons,
    last_received: Instant,
}

impl<'a> Session<'a> {
    /// A connection on which nothing has been sent.
    pub(super) fn new(agent: &'a Agent, socket: Socket) -> Self {
        let (sink, stream) = socket.split();
        Self {
            agent,
            sink,
            stream,
            follows: BTreeMap::new(),
            rejected: Recent::default(),
            cancels: Recent::default(),
            reader: BackgroundReader::new(Arc::clone(&agent.facts)),
            comparisons: Comparisons::new(Arc::clone(&agent.config), Arc::clone(&agent.facts)),
            last_received: Instant::now(),
        }
    }

    /// Serves the connection until it ends. Calls `welcomed` once the server has accepted this agent.
    pub(super) async fn run(
        mut self,
        stop: &CancellationToken,
        welcomed: impl FnOnce(),
    ) -> Result<Disconnect> {
        let refusal = tokio::select! {
            refusal = self.handshake() => refusal?,
            () = stop.cancelled() => return Ok(Disconnect::Stopped),
        };
        if let Some(refused) = refusal {
            return Ok(refused);
        }
        self.resume().await?;
        welcomed();
        self.reader.read();
        let ended = self.serve(stop).await;
        if matches!(ended, Ok(Disconnect::Stopped | Disconnect::Closed | Disconnect::Dismissed(_))) {
            let _ = timeout(Duration::from_secs(2), self.sink.close()).await;
        }
        ended
    }

    async fn handshake(&mut self) -> Result<Option<Disconnect>> {
        let config = &self.agent.config;
        self.send(&AgentMessage::Hello(Hello {
            protocol: PROTOCOL_VERSION,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            name: config.name.clone(),
            platform: config.platform,
            instance: Some(self.agent.instance),
        }))
        .await?;
        let answer = timeout(HANDSHAKE, self.next_text())
            .await
            .map_err(|_| anyhow!("the server did not answer the hello"))??;
        let Some(text) = answer else { return Ok(Some(Disconnect::Closed)) };
        match ServerMessage::decode(&text)? {
            ServerMessage::Welcome { server_version, .. } => {
                tracing::info!(%server_version, "connected");
                self.agent.token.set_enrolled(true);
                Ok(None)
            }
            ServerMessage::Refused { reason } => Ok(Some(Disconnect::Refused(reason))),
            _ => bail!("the server's first message is neither a welcome nor a refusal"),
        }
    }

    /// Returns the next text message, or `None` if the server closed the connection.
    async fn next_text(&mut self) -> Result<Option<String>> {
        while let Some(message) = self.stream.next().await {
            self.last_received = Instant::now();
            match message? {
                Message::Text(text) => return Ok(Some(text.as_str().to_owned())),
                Message::Close(_) => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Reports what is in the journal, and follows each op from the start.
    async fn resume(&mut self) -> Result<()> {
        let entries = self.agent.journal.entries()?;
        let ops = entries.iter().map(Entry::op).collect();
        self.send(&AgentMessage::Journal { ops, damaged: self.agent.journal.damaged_ops()? }).await?;
        for entry in entries {
            self.send(&AgentMessage::Accepted { op: entry.op() }).await?;
            self.follows.insert(entry.op(), Follow::new(entry));
        }
        Ok(())
    }

    async fn serve(&mut self, stop: &CancellationToken) -> Result<Disconnect> {
        let ticking = |period| {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut follow, mut ping) = (ticking(FOLLOW_INTERVAL), ticking(PING_EVERY));
        let (mut watch, mut read) = (ticking(self.agent.config.watch_interval()), ticking(READ_INTERVAL));
        let mut end = ticking(RESEND_INTERVAL);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(Disconnect::Stopped),
                message = self.stream.next() => match message {
                    None => return Ok(Disconnect::Closed),
                    Some(Ok(Message::Close(frame))) => return Ok(Disconnect::by(frame)),
                    Some(message) => self.handle_frame(message?).await?,
                },
                update = self.reader.next() => self.send_update(update).await?,
                (pair, comparison) = self.comparisons.next() => {
                    self.send(&AgentMessage::Compared { pair, comparison: Box::new(comparison) }).await?;
                }
                _ = follow.tick(), if !self.follows.is_empty() => self.send_all_progress().await?,
                _ = end.tick() => self.resend_results(),
                _ = watch.tick() => self.reader.check_for_changes(),
                _ = read.tick() => self.reader.read(),
                _ = ping.tick() => self.ping().await?,
            }
        }
    }

    async fn ping(&mut self) -> Result<()> {
        if self.last_received.elapsed() > SILENCE {
            bail!("the server has been silent for {} s", SILENCE.as_secs());
        }
        self.send_frame(Message::Ping(vec![].into())).await
    }

    async fn handle_frame(&mut self, message: Message) -> Result<()> {
        self.last_received = Instant::now();
        let Message::Text(text) = message else { return Ok(()) };
        match ServerMessage::decode(&text) {
            Ok(message) => self.handle_message(message).await,
            Err(error) => {
                tracing::warn!(%error, "the server sent a message that this agent does not know");
                self.refuse_unknown(&text);
                Ok(())
            }
        }
    }

    async fn handle_message(&mut self, message: ServerMessage) -> Result<()> {
        match message {
            ServerMessage::Run { op, action, timeout_secs, test_timeout_secs } => {
                self.accept(op, action, Times { timeout_secs, test_timeout_secs }).await?;
            }
            ServerMessage::Cancel { op } => self.cancel(op),
            ServerMessage::OutputStored { op, through } => {
                if self.follows.contains_key(&op) {
                    let mut stored = self.agent.stored();
                    let known = stored.entry(op).or_default();
                    *known = through.max(*known);
                }
            }
            ServerMessage::OutputMissing { op, after } => self.resend_output(op, after),
            ServerMessage::FinishStored { op } => self.forget(op),
            ServerMessage::Compare { pair } => self.comparisons.ask(pair),
            ServerMessage::ReportFacts => self.reader.read_and_send(),
            ServerMessage::PrReverted { number, message } => {
                tracing::info!(number, %message, "a pull request was reverted");
                self.reader.read_and_send();
            }
            ServerMessage::Welcome { .. } | ServerMessage::Refused { .. } => {
                tracing::warn!("the server sent a second welcome or refusal");
            }
        }
        Ok(())
    }

    /// Sends what the running ops have written since the last call.
    async fn send_all_progress(&mut self) -> Result<()> {
        let ops: Vec<_> = self.follows.keys().copied().collect();
        for op in ops {
            for _ in 0..MESSAGES_AT_ONCE {
                if !self.send_progress(op).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sends one message's worth of an op's output. Returns whether there may be more.
    async fn send_progress(&mut self, op: OpId) -> Result<bool> {
        let Some(update) = self.read_progress(op) else { return Ok(false) };
        if !update.lines.is_empty() {
            self.send(&AgentMessage::Output { op, lines: update.lines }).await?;
        }
        if let Some(phase) = update.phase {
            self.send(&AgentMessage::Progress { op, phase }).await?;
        }
        if let Some(result) = update.result {
            let lines = self.follows.get(&op).map_or(0, Follow::lines);
            self.reader.read_after_op(FinishedOp { op, result, lines });
        }
        Ok(update.more)
    }

    /// Reads an op's progress. A disk that cannot be read is no reason to drop the connection.
    fn read_progress(&mut self, op: OpId) -> Option<follow::Progress> {
        let stored = self.agent.stored().get(&op).copied().unwrap_or(0);
        let follow = self.follows.get_mut(&op).filter(|follow| follow.delivery == Delivery::Pending)?;
        if follow.cancel_pending {
            follow.cancel();
        }
        let status = self.agent.status(&follow.entry);
        match status.and_then(|status| follow.read_progress(status, stored)) {
            Ok(update) => Some(update),
            Err(error) => {
                if !std::mem::replace(&mut follow.is_unreadable, true) {
                    tracing::error!(%op, %error, "the op's output cannot be read; retrying");
                }
                None
            }
        }
    }

    /// Sends what the background reader has read.
    async fn send_update(&mut self, update: Update) -> Result<()> {
        match update {
            Update::Facts(facts) => self.send(&AgentMessage::Facts { facts }).await,
            Update::Finished(FinishedOp { op, result, lines }, facts) => {
                if let Some(follow) = self.follows.get_mut(&op) {
                    if follow.delivery == Delivery::Pending {
                        // The op is being sent again from its first line, and its result comes after all of
                        // its lines.
                        return Ok(());
                    }
                    follow.delivery =
                        Delivery::AwaitingAck { result: result.clone(), sent_at: Instant::now() };
                }
                tracing::info!(%op, outcome = ?result.outcome, message = %result.message, "op ended");
                self.send(&AgentMessage::Finished { op, result: *result, lines, facts }).await
            }
        }
    }

    async fn send(&mut self, message: &AgentMessage) -> Result<()> {
        match message.encode() {
            Ok(text) => self.send_frame(Message::text(text)).await,
            Err(error) => {
                tracing::error!(%error, "a message cannot be sent");
                Ok(())
            }
        }
    }

    async fn send_frame(&mut self, message: Message) -> Result<()> {
        timeout(SILENCE, self.sink.send(message))
            .await
            .map_err(|_| anyhow!("the server does not accept messages"))??;
        Ok(())
    }
}
