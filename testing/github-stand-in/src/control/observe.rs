//! Looking on, and stopping the world.

use uuid::Uuid;

use crate::stand_in::StandIn;
use crate::web::{Asked, Gate, Moment};
use crate::webhook::{Delivery, Payloads, Webhook};

impl StandIn {
    /// Everything that was asked so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Asked> {
        self.world.log.all()
    }

    /// Stops every request that matches, before or after it is carried out, for as long as the gate is kept.
    pub fn gate(&self, moment: Moment, matches: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Gate {
        self.world.gates.add(moment, matches)
    }

    /// Sends events there from now on, or nowhere.
    pub fn deliver_to(&self, webhook: Option<Webhook>) {
        self.world.webhooks.deliver_to(webhook);
    }

    /// Sends a `ping`, as GitHub does when a webhook is made.
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

    /// The events that were sent, in the order of sending, once none is under way any more.
    pub async fn deliveries(&self) -> Vec<Delivery> {
        self.world.webhooks.settled().await;
        self.world.webhooks.all()
    }

    /// Sends a delivery once more, as its page at GitHub does. Whether there is such a one.
    pub fn deliver_again(&self, id: Uuid) -> bool {
        self.world.webhooks.send_again(id)
    }
}
