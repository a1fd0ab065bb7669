//! Publishes host rows.

use std::borrow::Cow;
use std::collections::HashMap;

use backstay_model::view::FleetSnapshot;
use backstay_model::wire::event::Event;
use backstay_model::{Facts, HostId, HostView, cmp_host_names};

use crate::fleet::Fleet;
use crate::state::hub::Connection;
use crate::state::published_rows::PublishedRows;
use crate::state::unpublished::Update;
use crate::store::{HostRecord, StoreError};

impl Fleet {
    /// Returns every host, sorted by name, and what else a page starts from.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn snapshot(&self) -> Result<FleetSnapshot, StoreError> {
        let mut hosts: Vec<_>;
        let last_event;
        {
            let mut rows = self.published_rows.lock().await;
            // Read under the lock: the rows hold what was published up to this event, and nothing later of any host.
            last_event = self.events.last();
            hosts = self.all_rows(&mut rows).await?;
        }
        hosts.sort_by(|one, other| cmp_host_names(&one.name, &other.name));
        Ok(FleetSnapshot {
            hosts,
            pull_requests: self.pull_requests(),
            deployment: self.newest_deployment().await?,
            rollout: self.newest_rollout().await?,
            last_event,
            newest_notices: self.notices.newest(),
            server_version: self.server_version.to_string(),
        })
    }

    /// Publishes a host's row, even if it is unchanged: pages about this host show more of it than the row.
    pub(crate) async fn publish_host(&self, id: HostId) {
        self.publish(Update::Host(id)).await;
    }

    pub(super) async fn try_publish_host(&self, id: HostId) -> Result<(), StoreError> {
        let mut rows = self.published_rows.lock().await;
        if let Some(record) = self.store.host(id).await? {
            self.publish_row(&mut rows, &record).await?;
        }
        Ok(())
    }

    async fn publish_row(&self, rows: &mut PublishedRows, record: &HostRecord) -> Result<(), StoreError> {
        let host = self.host_view(record).await?;
        rows.put(&host);
        self.events.publish(&Event::Host { host: Box::new(host) });
        Ok(())
    }

    /// Publishes the row of a host whose agent just reported facts, from the facts as they were stored: they are long to read.
    pub(crate) async fn publish_reported(&self, connection: &Connection, stored: Option<Cow<'_, Facts>>) {
        let published = match stored {
            Some(facts) => self.try_publish_reported(connection, facts).await,
            None => Ok(false),
        };
        match published {
            Ok(true) => {}
            // Newer facts may be stored, from the connection that replaced this one.
            Ok(false) => self.publish_host(connection.host).await,
            Err(error) => self.publish_later(Update::Host(connection.host), &error),
        }
    }

    /// Returns false if a newer connection may have stored other facts.
    async fn try_publish_reported(
        &self,
        connection: &Connection,
        facts: Cow<'_, Facts>,
    ) -> Result<bool, StoreError> {
        let mut rows = self.published_rows.lock().await;
        if !self.hub.is_newest(connection) {
            return Ok(false);
        }
        if let Some(record) = self.store.host_without_facts(connection.host).await? {
            let record = HostRecord { facts: Some(facts.into_owned()), ..record };
            self.publish_row(&mut rows, &record).await?;
        }
        Ok(true)
    }

    /// Publishes the rows that changed because the branch moved.
    pub(crate) async fn publish_all(&self) {
        self.publish(Update::Hosts).await;
    }

    pub(super) async fn try_publish_hosts(&self) -> Result<(), StoreError> {
        let mut rows = self.published_rows.lock().await;
        for host in rows.replace(self.read_rows().await?) {
            self.events.publish(&Event::Host { host: Box::new(host) });
        }
        Ok(())
    }

    /// Removes a host's row from every open page.
    pub(crate) async fn publish_removal(&self, id: HostId) {
        let mut rows = self.published_rows.lock().await;
        rows.remove(id);
        self.events.publish(&Event::HostRemoved { id });
    }

    async fn all_rows(&self, rows: &mut PublishedRows) -> Result<Vec<HostView>, StoreError> {
        if rows.all().is_none() {
            rows.replace(self.read_rows().await?);
        }
        Ok(rows.all().into_iter().flat_map(HashMap::values).cloned().collect())
    }

    async fn read_rows(&self) -> Result<HashMap<HostId, HostView>, StoreError> {
        let mut rows = HashMap::new();
        for record in self.store.hosts().await? {
            rows.insert(record.id, self.host_view(&record).await?);
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::wire::message::AgentMessage;
    use backstay_model::{
        Commit, DesiredState, Generation, NotAllowed, OpAction, OpStatus, Platform, Role, sample,
    };
    use std::sync::Arc;

    use super::*;
    use crate::accounts::Actor;
    use crate::agents::Credentials;
    use crate::ops::request::RequestError;
    use crate::store::{OpStep, TokenHash};
    use crate::test_fleet::{self, Database};

    async fn fleet(database: &Database) -> Fleet {
        Fleet::new(test_fleet::config(Arc::new(database.open().await), &test_fleet::clock()))
    }

    async fn enrol(fleet: &Fleet, name: &str) -> HostRecord {
        let join = test_fleet::join_token(&format!("join {name}"), fleet.clock.now());
        fleet.store.insert_join_token(&join).await.unwrap();
        let credentials = Credentials {
            token: TokenHash::of(name),
            join: Some(join.token),
            name: name.to_owned(),
            platform: Platform::Nixos,
        };
        fleet.authenticate(credentials).await.unwrap()
    }

    async fn shown(fleet: &Fleet) -> Vec<(String, bool)> {
        let hosts = fleet.snapshot().await.unwrap().hosts;
        hosts.into_iter().map(|host| (host.name, host.online)).collect()
    }

    /// A host whose checkout is at the commit `old`.
    fn facts() -> Facts {
        Facts { checkout: Some(sample::checkout("old")), ..sample::facts_of(vec![]) }
    }

    fn branch(commit: &str) -> DesiredState {
        let commit = Commit(commit.into());
        DesiredState::Known { tree: commit.clone(), commit, lock_hash: None, read_at: sample::now() }
    }

    /// The names of the events since `after`.
    fn published(fleet: &Fleet, after: u64) -> Vec<&'static str> {
        fleet.events.subscribe(Some(after)).missed.iter().map(|event| event.name).collect()
    }

    #[tokio::test]
    async fn a_page_starts_from_what_others_were_told() {
        let database = Database::new();
        let fleet = fleet(&database).await;
        assert_eq!(shown(&fleet).await, []);
        let web = enrol(&fleet, "web").await;
        enrol(&fleet, "Backup").await;
        assert_eq!(shown(&fleet).await, [("Backup".to_owned(), false), ("web".to_owned(), false)]);
        let (_, connection) = fleet.handshake(&web, &test_fleet::hello("web")).await.unwrap();
        assert_eq!(shown(&fleet).await, [("Backup".to_owned(), false), ("web".to_owned(), true)]);
        fleet.disconnected(&connection.unwrap()).await;
        assert_eq!(shown(&fleet).await[1], ("web".to_owned(), false));
        let snapshot = fleet.snapshot().await.unwrap();
        assert_eq!(published(&fleet, snapshot.last_event), [""; 0]);
    }

    #[tokio::test]
    async fn only_hosts_that_are_not_as_before_are_told_when_the_branch_moves() {
        let database = Database::new();
        let fleet = fleet(&database).await;
        let web = enrol(&fleet, "web").await;
        // This one has reported nothing that could be compared.
        enrol(&fleet, "db").await;
        fleet.store.record_facts(web.id, &facts()).await.unwrap();
        fleet.set_desired(branch("old"));
        fleet.publish_all().await;
        let before = fleet.snapshot().await.unwrap();
        fleet.set_desired(branch("new"));
        fleet.publish_all().await;
        assert_eq!(published(&fleet, before.last_event), ["host"]);
        let after = fleet.snapshot().await.unwrap();
        assert_ne!(before.hosts[1], after.hosts[1]);
        fleet.publish_all().await;
        assert_eq!(published(&fleet, after.last_event), [""; 0]);
    }

    #[tokio::test]
    async fn a_row_shows_the_facts_as_they_were_stored_without_reading_them_back() {
        let database = Database::new();
        let fleet = fleet(&database).await;
        let web = enrol(&fleet, "web").await;
        let connection = fleet.hub.connect(web.id, None);
        let pool = database.connect().await;
        sqlx::raw_sql(
            "CREATE TRIGGER unreadable AFTER UPDATE OF facts ON hosts BEGIN UPDATE hosts SET facts = '?'; END",
        )
        .execute(&pool)
        .await
        .unwrap();
        let before = fleet.snapshot().await.unwrap();
        let current = Generation { current: true, ..sample::generation(48, 0) };
        let reported = AgentMessage::Facts { facts: Box::new(sample::facts_of(vec![current])) };
        fleet.handle_message(&connection, reported).await.unwrap();
        assert_eq!(published(&fleet, before.last_event), ["host"]);
        let row = fleet.snapshot().await.unwrap().hosts.remove(0);
        assert_eq!(row.generation.unwrap().number, 48);
        assert_eq!(fleet.store.host(web.id).await.unwrap().unwrap().facts, None);
    }

    #[tokio::test]
    async fn a_host_that_is_removed_leaves_every_page_and_is_not_let_in_again() {
        let database = Database::new();
        let fleet = fleet(&database).await;
        let web = enrol(&fleet, "web").await;
        let connection = fleet.hub.connect(web.id, None);
        let before = fleet.snapshot().await.unwrap();
        let person = |role| Actor::unchecked("maria", role);

        let refused = fleet.remove_host(&person(Role::Operator), "web").await;
        assert!(
            matches!(refused, Err(RequestError::NotAllowed(NotAllowed::Role(Role::Admin)))),
            "{refused:?}"
        );
        fleet.request_op(&person(Role::Admin), "web", OpAction::Refresh, None).await.unwrap();
        let refused = fleet.remove_host(&person(Role::Admin), "web").await;
        assert!(matches!(refused, Err(RequestError::HostBusy { .. })), "{refused:?}");
        assert_eq!(fleet.snapshot().await.unwrap().hosts.len(), 1);
        let op = fleet.store.open_op(web.id).await.unwrap().unwrap();
        fleet.store.step_op(op.id, &OpStep::to(OpStatus::Cancelled)).await.unwrap().unwrap();

        fleet.remove_host(&person(Role::Admin), "WEB").await.unwrap();
        assert_eq!(fleet.snapshot().await.unwrap().hosts, []);
        let heard = published(&fleet, before.last_event);
        assert_eq!(heard[heard.len() - 2..], ["host_removed", "notice"]);
        assert!(!fleet.is_known_token(&TokenHash::of("web")).await.unwrap());
        assert!(!fleet.hub.is_online(web.id), "its connection was given up");
        let heard = fleet.events.last();
        fleet.disconnected(&connection).await;
        assert_eq!(published(&fleet, heard), [""; 0]);
        let again = fleet.remove_host(&person(Role::Admin), "web").await;
        assert!(matches!(again, Err(RequestError::NoSuchHost(_))), "{again:?}");
    }

    #[tokio::test]
    async fn tags_decide_who_may_act_so_only_the_whole_fleets_operators_set_them() {
        let database = Database::new();
        let (fleet, lab) = (fleet(&database).await, ["lab".to_owned()]);
        enrol(&fleet, "web").await;
        let whole = Actor::unchecked("maria", Role::Operator);
        fleet.set_labels(&whole, "web", Some(&lab), String::new()).await.unwrap();
        let granted = Actor::granted("otto", Role::Viewer, &["operator tag:lab"]);
        fleet.set_labels(&granted, "web", Some(&lab), "Rack 4".to_owned()).await.unwrap();
        for tags in [&[][..], &["lab".to_owned(), "prod".to_owned()]] {
            let refused = fleet.set_labels(&granted, "web", Some(tags), String::new()).await.unwrap_err();
            assert_eq!(
                refused.to_string(),
                "This requires the operator role on the whole fleet. Nothing was changed."
            );
        }
        fleet.request_op(&granted, "web", OpAction::Refresh, None).await.unwrap();
        fleet.set_labels(&whole, "web", Some(&[]), String::new()).await.unwrap();
        let refused = fleet.request_op(&granted, "web", OpAction::Test, None).await.unwrap_err();
        assert_eq!(refused.to_string(), "This requires the responder role on web. Nothing was changed.");
    }
}
