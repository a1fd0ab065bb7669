//! Settings of a host, and its removal from the fleet.

use backstay_model::wire::event::Tone;
use backstay_model::{Action, Labels, TestTimeout};

use crate::accounts::Actor;
use crate::fleet::Fleet;
use crate::ops::request::RequestError;
use crate::store::{HostRecord, NewAuditEntry};

impl Fleet {
    /// Sets whether a host's tests run automatically after a switch or rollback.
    ///
    /// # Errors
    /// [`RequestError`] if the person may not, or there is no such host.
    pub async fn set_auto_test(&self, actor: &Actor, host_name: &str, on: bool) -> Result<(), RequestError> {
        let host = self.host_for(actor, Action::SetUpHost, host_name).await?;
        let detail =
            if on { "Tests run after each switch and rollback." } else { "Tests run only on request." };
        let audit = self.setting_entry(actor, &host, "host.auto-test", detail.to_owned());
        self.store.set_auto_test(host.id, on, &audit).await?;
        self.publish_host(host.id).await;
        Ok(())
    }

    /// Sets the time limit for each test of a host. `None` leaves it to the agent's configuration.
    ///
    /// # Errors
    /// [`RequestError`] if the person may not, or there is no such host.
    pub async fn set_test_timeout(
        &self,
        actor: &Actor,
        host_name: &str,
        timeout: Option<TestTimeout>,
    ) -> Result<(), RequestError> {
        let host = self.host_for(actor, Action::SetUpHost, host_name).await?;
        let detail = match timeout {
            Some(timeout) => format!("Each test may take {timeout}."),
            None => "Each test has the time limit of the agent's configuration.".to_owned(),
        };
        let audit = self.setting_entry(actor, &host, "host.test-timeout", detail);
        self.store.set_test_timeout(host.id, timeout, &audit).await?;
        self.publish_host(host.id).await;
        Ok(())
    }

    /// Sets the notes of a host, and its tags unless they are `None`.
    ///
    /// # Errors
    /// [`RequestError`] if the person may not, or there is no such host.
    pub async fn set_labels(
        &self,
        actor: &Actor,
        host_name: &str,
        tags: Option<&[String]>,
        notes: String,
    ) -> Result<(), RequestError> {
        let host = self.host_for(actor, Action::SetUpHost, host_name).await?;
        if tags.is_some_and(|tags| tags != host.labels.tags) {
            actor.require(Action::Tag)?;
        }
        let labels = Labels { tags: tags.unwrap_or(&host.labels.tags).to_vec(), notes };
        let tags = if labels.tags.is_empty() { "none".to_owned() } else { labels.tags.join(", ") };
        let notes =
            if labels.notes.is_empty() { "none".to_owned() } else { format!("“{}”", labels.notes) };
        let audit = self.setting_entry(actor, &host, "host.labels", format!("Tags: {tags}. Notes: {notes}."));
        self.store.set_labels(host.id, &labels, &audit).await?;
        self.publish_host(host.id).await;
        Ok(())
    }

    /// Removes a host from the fleet: the server no longer accepts its agent, and its name becomes free. Its history stays in
    /// the ops, the deployments and the audit log.
    ///
    /// # Errors
    /// [`RequestError`] if the person is not an administrator, there is no such host, or an op holds it.
    pub async fn remove_host(&self, actor: &Actor, host_name: &str) -> Result<(), RequestError> {
        let host = self.host_for(actor, Action::RemoveHost, host_name).await?;
        let detail = "Its agent can no longer connect. Its ops are kept.".to_owned();
        let audit = self.setting_entry(actor, &host, "host.removed", detail);
        if !self.store.remove_host(host.id, self.clock.now(), &audit).await? {
            return Err(match self.store.open_op(host.id).await? {
                Some(op) => RequestError::busy(&host.name, op),
                None => RequestError::NoSuchHost(host.name),
            });
        }
        self.hub.drop_host(host.id);
        self.last_seen.forget(host.id);
        self.publish_removal(host.id).await;
        let removed = format!("{} was removed from the fleet by {}", host.name, actor.name());
        self.notify_begun_by(actor.name(), Tone::Neutral, removed);
        Ok(())
    }

    pub(crate) fn setting_entry(
        &self,
        actor: &Actor,
        host: &HostRecord,
        action: &str,
        detail: String,
    ) -> NewAuditEntry {
        NewAuditEntry::new(self.clock.now(), actor.name(), action, detail).host(&host.name)
    }
}
