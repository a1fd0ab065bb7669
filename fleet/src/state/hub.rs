//! The agents that are connected, and the way to send them messages.

use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::sync::Arc;

use backstay_model::HostId;
use backstay_model::wire::message::ServerMessage;
use tokio::sync::mpsc;

/// Number of messages that may wait for one agent. One op is open at a time and acknowledgements are small: an agent with more
/// waiting messages does not read, and the hub drops its connection.
const OUTBOX: usize = 256;

/// The agents that are connected now.
#[derive(Default)]
pub struct Hub {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    links: HashMap<HostId, Link>,
    dispatch_locks: HashMap<HostId, Arc<tokio::sync::Mutex<()>>>,
}

struct Link {
    number: u64,
    /// The agent's instance, if it sent one.
    instance: Option<u64>,
    /// Whether the agent has reported its journal, so that ops may be sent to it.
    ready: bool,
    /// Whether it replaced a connection of another agent.
    displaced_another: bool,
    outbox: mpsc::Sender<ServerMessage>,
}

/// One agent's connection, while it lasts.
pub struct Connection {
    /// The host at the other end.
    pub host: HostId,
    number: u64,
    /// The messages to send to the agent. Closes when the agent has reconnected or does not read; close the connection in that
    /// case.
    pub outbox: mpsc::Receiver<ServerMessage>,
}

impl Hub {
    /// Adds a connection, which replaces an earlier one of the same host: a host that returns over a new network must not wait
    /// for the old connection to time out.
    pub fn connect(&self, host: HostId, instance: Option<u64>) -> Connection {
        let (sender, outbox) = mpsc::channel(OUTBOX);
        let mut inner = self.lock();
        inner.next += 1;
        let number = inner.next;
        let before = inner.links.get(&host).and_then(|link| link.instance);
        let displaced_another = before.zip(instance).is_some_and(|(before, now)| before != now);
        let link = Link { number, instance, ready: false, displaced_another, outbox: sender };
        inner.links.insert(host, link);
        Connection { host, number, outbox }
    }

    /// The instance of the connected agent, if it sent one.
    pub fn instance(&self, host: HostId) -> Option<u64> {
        self.lock().links.get(&host).filter(|link| !link.outbox.is_closed()).and_then(|link| link.instance)
    }

    /// Removes a connection. Returns whether the host is offline now: not if a newer connection has replaced this one.
    pub fn disconnect(&self, connection: &Connection) -> bool {
        let mut inner = self.lock();
        let is_newest =
            inner.links.get(&connection.host).is_some_and(|link| link.number == connection.number);
        if is_newest {
            inner.links.remove(&connection.host);
        }
        !inner.links.contains_key(&connection.host)
    }

    /// Returns whether this connection replaced one of another agent: of the host's own before a restart, or of a second machine
    /// with the same identity.
    pub(crate) fn displaced_another(&self, connection: &Connection) -> bool {
        let inner = self.lock();
        let link = inner.links.get(&connection.host).filter(|link| link.number == connection.number);
        link.is_some_and(|link| link.displaced_another)
    }

    /// Returns whether this connection is the host's newest.
    pub fn is_newest(&self, connection: &Connection) -> bool {
        self.lock().links.get(&connection.host).is_some_and(|link| link.number == connection.number)
    }

    /// Allows sending ops on this connection. Returns false if a newer connection has replaced it.
    pub fn make_ready(&self, connection: &Connection) -> bool {
        let mut inner = self.lock();
        let link = inner.links.get_mut(&connection.host).filter(|link| link.number == connection.number);
        link.map(|link| link.ready = true).is_some()
    }

    /// Returns whether ops may be sent to the host.
    pub fn is_ready(&self, host: HostId) -> bool {
        self.lock().links.get(&host).is_some_and(|link| link.ready && !link.outbox.is_closed())
    }

    /// Drops the host's connection, if it has one.
    pub fn drop_host(&self, host: HostId) {
        self.lock().links.remove(&host);
    }

    /// Returns whether the host's agent is connected.
    pub fn is_online(&self, host: HostId) -> bool {
        self.lock().links.get(&host).is_some_and(|link| !link.outbox.is_closed())
    }

    /// Queues a message for an agent. Returns false if no agent is connected. Only the agent can confirm that the message
    /// arrived.
    pub fn send(&self, host: HostId, message: ServerMessage) -> bool {
        self.lock().put(host, message)
    }

    /// Like [`Self::send`], but only on a connection on which ops may be sent now. A host that has reconnected since the check of
    /// [`Self::is_ready`] has not reported its journal yet.
    pub fn send_if_ready(&self, host: HostId, message: ServerMessage) -> bool {
        let mut inner = self.lock();
        inner.links.get(&host).is_some_and(|link| link.ready) && inner.put(host, message)
    }

    /// The lock for sending an op to this host and for reading its journal: a journal is always compared with every op that was
    /// sent before.
    pub(crate) fn dispatch_lock(&self, host: HostId) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.lock().dispatch_locks.entry(host).or_default())
    }

    /// Queues a message for every connected agent.
    pub fn send_all(&self, message: &ServerMessage) {
        let hosts: Vec<_> = self.lock().links.keys().copied().collect();
        for host in hosts {
            self.send(host, message.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }
}

impl Inner {
    fn put(&mut self, host: HostId, message: ServerMessage) -> bool {
        let Some(link) = self.links.get(&host) else { return false };
        if link.outbox.try_send(message).is_ok() {
            return true;
        }
        self.links.remove(&host);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_connection_counts() {
        let hub = Hub::default();
        let host = HostId::new();
        let mut old = hub.connect(host, None);
        let mut new = hub.connect(host, None);
        assert!(hub.send(host, ServerMessage::ReportFacts));
        assert_eq!(new.outbox.recv().await, Some(ServerMessage::ReportFacts));
        assert_eq!(old.outbox.recv().await, None, "the old connection has to close");
        assert!(!hub.disconnect(&old), "the host is still there");
        assert!(hub.is_online(host));
        assert!(hub.disconnect(&new));
        assert!(!hub.is_online(host));
    }

    #[test]
    fn a_connection_without_a_journal_is_sent_no_op() {
        let hub = Hub::default();
        let host = HostId::new();
        let old = hub.connect(host, None);
        assert!(hub.make_ready(&old) && hub.send_if_ready(host, ServerMessage::ReportFacts));
        let new = hub.connect(host, None);
        assert!(!hub.send_if_ready(host, ServerMessage::ReportFacts));
        assert!(hub.make_ready(&new) && hub.send_if_ready(host, ServerMessage::ReportFacts));
    }

    #[test]
    fn an_agent_that_does_not_read_is_given_up() {
        let hub = Hub::default();
        let host = HostId::new();
        let _connection = hub.connect(host, None);
        for _ in 0..OUTBOX {
            assert!(hub.send(host, ServerMessage::ReportFacts));
        }
        assert!(!hub.send(host, ServerMessage::ReportFacts));
        assert!(!hub.is_online(host));
    }
}
