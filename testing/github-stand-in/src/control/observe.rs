//! Observing requests and events, and pausing requests.

use uuid::Uuid;

use crate::stand_in::StandIn;
use crate::web::{Asked, Gate, Moment};
use crate::webhook::{Delivery, Payloads, Webhook};

impl StandIn {
    /// All requests so far, in order of arrival.
    pub fn requests(&self) -> Vec<Asked> {
        self.world.log.all()
    }

    /// Stops every matching request, before or after it is carried out, until the gate is dropped.
    pub fn gate(&self, moment: Moment, matches: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Gate {
        self.world.gates.add(moment, matches)
    }

    /// Sends events there from now on, or nowhere.
    pub fn deliver_to(&self, webhook: Option<Webhook>) {
        self.world.webhooks.deliver_to(webhook);
    }

    /// Sends a `ping`, as GitHub does for a new webhook.
    pub async fn ping(&self, webhook: &Webhook) {
        let state = self.world.state.lock().await;
        let sender = self.world.links.owner.clone();
        let payloads = Payloads {
            links: &self.world.links,
            state: &state,
            app: self.world.app.as_ref(),
            sender: &sender,
        };
        self.world.webhooks.send("ping", &payloads.ping(&webhook.url));
    }

    /// The events sent so far, in order, once none is in flight.
    pub async fn deliveries(&self) -> Vec<Delivery> {
        self.world.webhooks.settled().await;
        self.world.webhooks.all()
    }

    /// Redelivers an event, as the webhook's page at GitHub does. Returns false if there is no such delivery.
    pub fn deliver_again(&self, id: Uuid) -> bool {
        self.world.webhooks.send_again(id)
    }
}
