//! What people set for a host, and how it leaves the fleet.

use backstay_model::wire::event::Tone;
use backstay_model::{Labels, Person, Role, TestTimeout};

use crate::fleet::Fleet;
use crate::ops::request::RequestError;
use crate::store::{HostRecord, NewAuditEntry};

impl Fleet {
    /// Says whether a host's tests run by themselves after a switch or rollback.
    ///
    /// # Errors
    /// [`RequestError`] where the person may not, or there is no such host.
    pub async fn set_auto_test(
        &self,
        person: &Person,
        host_name: &str,
        on: bool,
    ) -> Result<(), RequestError> {
        let host = self.host_for(person, Role::Operator, host_name).await?;
        let detail =
            if on { "Tests run after each switch and rollback." } else { "Tests run only when asked for." };
        let audit = self.setting_entry(person, &host, "host.auto-test", detail.to_owned());
        self.store.set_auto_test(host.id, on, &audit).await?;
        self.publish_host(host.id).await;
        Ok(())
    }

    /// Says how long each test of a host may take; none leaves that to its agent's configuration.
    ///
    /// # Errors
    /// [`RequestError`] where the person may not, or there is no such host.
    pub async fn set_test_timeout(
        &self,
        person: &Person,
        host_name: &str,
        timeout: Option<TestTimeout>,
    ) -> Result<(), RequestError> {
        let host = self.host_for(person, Role::Operator, host_name).await?;
        let detail = match timeout {
            Some(timeout) => format!("Each test may take {timeout}."),
            None => "Each test may take what the host's agent is configured with.".to_owned(),
        };
        let audit = self.setting_entry(person, &host, "host.test-timeout", detail);
        self.store.set_test_timeout(host.id, timeout, &audit).await?;
        self.publish_host(host.id).await;
        Ok(())
    }

    /// Remembers what people say of a host.
    ///
    /// # Errors
    /// [`RequestError`] where the person may not, or there is no such host.
    pub async fn set_labels(
        &self,
        person: &Person,
        host_name: &str,
        labels: &Labels,
    ) -> Result<(), RequestError> {
        let host = self.host_for(person, Role::Operator, host_name).await?;
        let tags = if labels.tags.is_empty() { "none".to_owned() } else { labels.tags.join(", ") };
        let notes =
            if labels.notes.is_empty() { "none".to_owned() } else { format!("“{}”", labels.notes) };
        let audit =
            self.setting_entry(person, &host, "host.labels", format!("Tags: {tags}. Notes: {notes}."));
        self.store.set_labels(host.id, labels, &audit).await?;
        self.publish_host(host.id).await;
        Ok(())
    }

    /// Removes a host from the fleet: its agent is not let in any more, and its name is free. What was done to it stays
    /// in the history of ops, in the deployments and in the audit log.
    ///
    /// # Errors
    /// [`RequestError`] where the person is no administrator, there is no such host, or an op holds it.
    pub async fn remove_host(&self, person: &Person, host_name: &str) -> Result<(), RequestError> {
        let host = self.host_for(person, Role::Admin, host_name).await?;
        let detail = "Its agent is not let in any more. Its ops are kept.".to_owned();
        let audit = self.setting_entry(person, &host, "host.removed", detail);
        if !self.store.remove_host(host.id, self.clock.now(), &audit).await? {
            return Err(match self.store.open_op(host.id).await? {
                Some(op) => RequestError::busy(&host.name, op),
                None => RequestError::NoSuchHost(host.name),
            });
        }
        self.hub.drop_host(host.id);
        self.publish_removal(host.id).await;
        self.notify(Tone::Neutral, format!("{} was removed from the fleet by {}", host.name, person.name));
        Ok(())
    }

    /// The host of this name, if the person has the role that it takes.
    async fn host_for(
        &self,
        person: &Person,
        needed: Role,
        host_name: &str,
    ) -> Result<HostRecord, RequestError> {
        if person.role < needed {
            return Err(RequestError::NotAllowed { needed });
        }
        let host = self.store.host_by_name(host_name).await?;
        host.ok_or_else(|| RequestError::NoSuchHost(host_name.to_owned()))
    }

    fn setting_entry(
        &self,
        person: &Person,
        host: &HostRecord,
        action: &str,
        detail: String,
    ) -> NewAuditEntry {
        NewAuditEntry::new(self.clock.now(), &person.name, action, detail).host(&host.name)
    }
}
