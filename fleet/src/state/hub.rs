//! Which agents are connected, and how to speak with them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_model::HostId;
use backstay_model::wire::message::ServerMessage;
use tokio::sync::mpsc;

/// How many messages may wait for one agent. One op is open at a time and acknowledgements are small: an agent that
/// lets more pile up is not reading, and its connection is given up.
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
    rollout_driver: HashMap<HostId, Arc<tokio::sync::Mutex<()>>>,
}

struct Link {
    number: u64,
    /// Which agent it is, where it says so.
    instance: Option<u64>,
    /// Whether the agent has said what its journal holds, so that ops may be sent to it.
    ready: bool,
    outbox: mpsc::Sender<ServerMessage>,
}

/// One agent's connection, as long as it lasts.
pub struct Connection {
    /// The host at the other end.
    pub host: HostId,
    number: u64,
    /// What is to be sent to the agent. It closes when the agent has connected anew elsewhere or does not read: then
    /// this connection is to be closed too.
    pub outbox: mpsc::Receiver<ServerMessage>,
}

impl Hub {
    /// Takes in a connection. An earlier one of the same host is given up: a host that comes back over a new network
    /// must not wait for the old connection to time out.
    pub fn connect(&self, host: HostId, instance: Option<u64>) -> Connection {
        let (sender, outbox) = mpsc::channel(OUTBOX);
        let mut inner = self.lock();
        inner.next += 1;
        let number = inner.next;
        inner.links.insert(host, Link { number, instance, ready: false, outbox: sender });
        Connection { host, number, outbox }
    }

    /// Which agent is connected, where it says so.
    pub fn instance(&self, host: HostId) -> Option<u64> {
        self.lock().links.get(&host).filter(|link| !link.outbox.is_closed()).and_then(|link| link.instance)
    }

    /// Forgets a connection. Whether the host is offline now: it is not, where a newer connection took its place.
    pub fn disconnect(&self, connection: &Connection) -> bool {
        let mut inner = self.lock();
        let is_newest =
            inner.links.get(&connection.host).is_some_and(|link| link.number == connection.number);
        if is_newest {
            inner.links.remove(&connection.host);
        }
        !inner.links.contains_key(&connection.host)
    }

    /// Whether this connection is the host's newest.
    pub fn is_newest(&self, connection: &Connection) -> bool {
        self.lock().links.get(&connection.host).is_some_and(|link| link.number == connection.number)
    }

    /// From now on, ops may be sent on this connection; false where a newer one has taken its place.
    pub fn make_ready(&self, connection: &Connection) -> bool {
        let mut inner = self.lock();
        let link = inner.links.get_mut(&connection.host).filter(|link| link.number == connection.number);
        link.map(|link| link.ready = true).is_some()
    }

    /// Whether ops may be sent to the host.
    pub fn is_ready(&self, host: HostId) -> bool {
        self.lock().links.get(&host).is_some_and(|link| link.ready && !link.outbox.is_closed())
    }

    /// Gives up whatever connection the host has.
    pub fn drop_host(&self, host: HostId) {
        self.lock().links.remove(&host);
    }

    /// Whether the host's agent is connected.
    pub fn is_online(&self, host: HostId) -> bool {
        self.lock().links.get(&host).is_some_and(|link| !link.outbox.is_closed())
    }

    /// Puts a message on its way; false where there is no agent to take it. Whether it arrives is for the agent to
    /// say.
    pub fn send(&self, host: HostId, message: ServerMessage) -> bool {
        self.lock().put(host, message)
    }

    /// As [`Self::send`], but only on a connection on which ops may be sent now. A host that has connected anew since
    /// [`Self::is_ready`] was asked has not said yet what its journal holds.
    pub fn send_if_ready(&self, host: HostId, message: ServerMessage) -> bool {
        let mut inner = self.lock();
        inner.links.get(&host).is_some_and(|link| link.ready) && inner.put(host, message)
    }

    /// Held while an op of this host is recorded as sent and put on its way, and while what its journal holds is heard.
    /// Whoever hears of the journal thus knows of every op that was sent before.
    pub(crate) fn dispatch_lock(&self, host: HostId) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.lock().rollout_driver.entry(host).or_default())
    }

    /// Puts a message on its way to every connected agent.
    pub fn send_all(&self, message: &ServerMessage) {
        let hosts: Vec<_> = self.lock().links.keys().copied().collect();
        for host in hosts {
            self.send(host, message.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert_eq!(old.outbox.recv().await, None, "the old connection is told to close");
        assert!(!hub.disconnect(&old), "the host is still there");
        assert!(hub.is_online(host));
        assert!(hub.disconnect(&new));
        assert!(!hub.is_online(host));
    }

    #[test]
    fn a_connection_whose_journal_was_not_told_is_sent_no_op() {
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
