//! Events, sent over HTTP.

mod payload;
mod signature;

use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

pub(crate) use payload::{Action, Payloads, Push};

/// Time that a receiver may take; GitHub gives it ten seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Receiver of events.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Webhook {
    /// The receiver's URL; plain `http`.
    pub url: String,
    /// The secret that signs them.
    pub secret: Option<String>,
}

/// An event, sent or in flight.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    /// Identifies a delivery. A redelivery keeps it.
    pub id: Uuid,
    /// `push`, `pull_request` or `ping`.
    pub event: String,
    /// The body, byte for byte.
    pub body: String,
    /// Whether it is a redelivery.
    pub is_redelivery: bool,
    /// The receiver's status, or the reason why there is none; `None` while it is in flight.
    pub outcome: Option<Result<u16, String>>,
}

/// The deliveries so far, and the number in flight.
struct Records {
    deliveries: Mutex<Vec<Delivery>>,
    under_way: watch::Sender<usize>,
}

impl Records {
    fn lock(&self) -> MutexGuard<'_, Vec<Delivery>> {
        self.deliveries.lock()
    }
}

/// Sends events one after the other, and never waits for the receiver.
pub(crate) struct Webhooks {
    receiver: Mutex<Option<Webhook>>,
    records: Arc<Records>,
    queue: mpsc::UnboundedSender<(usize, Webhook)>,
}

impl Webhooks {
    /// Must be called within a runtime.
    pub(crate) fn new(receiver: Option<Webhook>) -> Self {
        let records = Arc::new(Records { deliveries: Mutex::default(), under_way: watch::Sender::new(0) });
        let (queue, queued) = mpsc::unbounded_channel();
        tokio::spawn(deliver_all(records.clone(), queued));
        Self { receiver: Mutex::new(receiver), records, queue }
    }

    pub(crate) fn deliver_to(&self, receiver: Option<Webhook>) {
        *self.receiver.lock() = receiver;
    }

    /// Returns whether there is a receiver: building an event takes some work.
    pub(crate) fn is_wanted(&self) -> bool {
        self.receiver.lock().is_some()
    }

    /// Sends an event, if there is a receiver.
    pub(crate) fn send(&self, event: &str, payload: &Value) {
        self.enqueue(Delivery {
            id: Uuid::now_v7(),
            event: event.to_owned(),
            body: payload.to_string(),
            is_redelivery: false,
            outcome: None,
        });
    }

    /// Redelivers an event. Returns false if there is no such delivery.
    pub(crate) fn send_again(&self, id: Uuid) -> bool {
        let earlier = self.records.lock().iter().find(|delivery| delivery.id == id).cloned();
        earlier
            .map(|earlier| self.enqueue(Delivery { is_redelivery: true, outcome: None, ..earlier }))
            .is_some()
    }

    pub(crate) fn all(&self) -> Vec<Delivery> {
        self.records.lock().clone()
    }

    /// Waits until nothing is in flight.
    pub(crate) async fn settled(&self) {
        let mut under_way = self.records.under_way.subscribe();
        // The records keep the sender alive.
        drop(under_way.wait_for(|under_way| *under_way == 0).await);
    }

    fn enqueue(&self, delivery: Delivery) {
        let receiver = self.receiver.lock().clone();
        let Some(receiver) = receiver else { return };
        let mut deliveries = self.records.lock();
        deliveries.push(delivery);
        self.records.under_way.send_modify(|under_way| *under_way += 1);
        if self.queue.send((deliveries.len() - 1, receiver)).is_err() {
            self.records.under_way.send_modify(|under_way| *under_way -= 1);
        }
    }
}

async fn deliver_all(records: Arc<Records>, mut queued: mpsc::UnboundedReceiver<(usize, Webhook)>) {
    let client = reqwest::Client::builder().timeout(PATIENCE).build();
    while let Some((index, receiver)) = queued.recv().await {
        let delivery = records.lock().get(index).cloned();
        let outcome = match (&client, delivery) {
            (Ok(client), Some(delivery)) => deliver(client, &receiver, &delivery).await,
            (Err(error), _) => Err(error.to_string()),
            (_, None) => Err("it is not known".to_owned()),
        };
        if let Err(error) = &outcome {
            tracing::info!(%error, url = receiver.url, "an event was not received");
        }
        if let Some(delivery) = records.lock().get_mut(index) {
            delivery.outcome = Some(outcome);
        }
        records.under_way.send_modify(|under_way| *under_way -= 1);
    }
}

async fn deliver(client: &reqwest::Client, receiver: &Webhook, delivery: &Delivery) -> Result<u16, String> {
    let mut request = client
        .post(&receiver.url)
        .header("User-Agent", "GitHub-Hookshot/044aadd")
        .header("Accept", "*/*")
        .header("Content-Type", "application/json")
        .header("X-GitHub-Event", &delivery.event)
        .header("X-GitHub-Delivery", delivery.id.to_string())
        .header("X-GitHub-Hook-ID", "30")
        .header("X-GitHub-Hook-Installation-Target-Type", "repository")
        .header("X-GitHub-Hook-Installation-Target-ID", "1");
    if let Some(secret) = &receiver.secret {
        request = request.header("X-Hub-Signature-256", signature::of(secret, delivery.body.as_bytes()));
    }
    let answer = request.body(delivery.body.clone()).send().await;
    answer.map(|answer| answer.status().as_u16()).map_err(|error| error.to_string())
}
