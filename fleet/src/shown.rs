//! What open pages were last told of each host.
//!
//! A page starts from the very rows that the others were told, and hears of what changes from there: what all pages
//! show is the same at any moment. A start also costs no reading of every host, whose facts are long.

use std::collections::HashMap;

use backstay_model::view::FleetSnapshot;
use backstay_model::wire::event::Event;
use backstay_model::{HostId, HostView, cmp_host_names};

use crate::fleet::Fleet;
use crate::store::StoreError;
use crate::untold::News;

/// The hosts as last told; none before somebody asks for all of them. Held while a host is read from the store and told
/// to the pages, so that no page hears an older state after a newer one.
#[derive(Default)]
pub(crate) struct Shown(Option<HashMap<HostId, HostView>>);

impl Shown {
    /// The host has left the fleet.
    pub(crate) fn forget(&mut self, host: HostId) {
        if let Some(hosts) = &mut self.0 {
            hosts.remove(&host);
        }
    }

    fn put(&mut self, host: &HostView) {
        if let Some(hosts) = &mut self.0 {
            hosts.insert(host.id, host.clone());
        }
    }
}

impl Fleet {
    /// Every host, by name.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn snapshot(&self) -> Result<FleetSnapshot, StoreError> {
        let mut hosts: Vec<_>;
        let last_event;
        {
            let mut shown = self.shown.lock().await;
            // Read under the lock: the rows hold what was told through here, and nothing later of any host.
            last_event = self.events.last();
            hosts = self.all_shown(&mut shown).await?.values().cloned().collect();
        }
        hosts.sort_by(|one, other| cmp_host_names(&one.name, &other.name));
        Ok(FleetSnapshot {
            hosts,
            pull_requests: self.pull_requests(),
            deployment: self.newest_deployment().await?,
            rollout: self.newest_rollout().await?,
            last_event,
            newest_notice: self.newest_notice(),
            server_version: self.server_version.to_string(),
        })
    }

    /// Tells every open page how a host is now. Always, even where its row is as before: pages about this host show more
    /// of it than the row.
    pub(crate) async fn publish_host(&self, id: HostId) {
        self.publish(News::Host(id)).await;
    }

    pub(crate) async fn tell_host(&self, id: HostId) -> Result<(), StoreError> {
        let mut shown = self.shown.lock().await;
        if let Some(record) = self.store.host(id).await? {
            let host = self.host_view(&record).await?;
            shown.put(&host);
            self.events.publish(&Event::Host { host: Box::new(host) });
        }
        Ok(())
    }

    /// Tells every open page of the hosts that are not as they were: the branch says something else now.
    pub(crate) async fn publish_all(&self) {
        self.publish(News::Hosts).await;
    }

    pub(crate) async fn tell_hosts(&self) -> Result<(), StoreError> {
        let mut shown = self.shown.lock().await;
        let now = self.read_all().await?;
        let before = shown.0.as_ref();
        for (id, host) in &now {
            if before.and_then(|hosts| hosts.get(id)).is_none_or(|before| is_news(before, host)) {
                self.events.publish(&Event::Host { host: Box::new(host.clone()) });
            }
        }
        shown.0 = Some(now);
        Ok(())
    }

    async fn all_shown<'a>(&self, shown: &'a mut Shown) -> Result<&'a HashMap<HostId, HostView>, StoreError> {
        let hosts = match shown.0.take() {
            Some(hosts) => hosts,
            None => self.read_all().await?,
        };
        Ok(shown.0.insert(hosts))
    }

    async fn read_all(&self) -> Result<HashMap<HostId, HostView>, StoreError> {
        let mut hosts = HashMap::new();
        for record in self.store.hosts().await? {
            hosts.insert(record.id, self.host_view(&record).await?);
        }
        Ok(hosts)
    }
}

/// Whether a row says something else. When a host that is connected was last heard of is nothing that it shows.
fn is_news(before: &HostView, now: &HostView) -> bool {
    let last_seen = if now.online { before.last_seen } else { now.last_seen };
    *before != HostView { last_seen, ..now.clone() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use backstay_model::wire::message::Hello;
    use backstay_model::{
        Checkout, Commit, DesiredState, Facts, FixedClock, OpAction, OpStatus, PROTOCOL_VERSION, Person,
        Platform, Role,
    };
    use chrono::TimeDelta;

    use super::*;
    use crate::FleetConfig;
    use crate::agents::Credentials;
    use crate::ops::request::RequestError;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{HostRecord, NewJoinToken, OpStep, TokenHash};

    async fn fleet(folder: &Path) -> Fleet {
        let database = folder.join("backstay.db");
        Fleet::new(FleetConfig {
            server_version: "0.1.0".into(),
            store: Arc::new(SqliteStore::open(database.to_str().unwrap()).await.unwrap()),
            clock: Arc::new(FixedClock::at("2026-01-01T00:00:00Z".parse().unwrap())),
            queue_time: Duration::from_mins(1),
            github: None,
        })
    }

    async fn enrol(fleet: &Fleet, name: &str) -> HostRecord {
        let (at, token) = (fleet.clock.now(), TokenHash::of(&format!("join {name}")));
        let join = NewJoinToken {
            token: token.clone(),
            host_name: None,
            made_by: "maria".into(),
            created_at: at,
            expires_at: at + TimeDelta::hours(1),
        };
        fleet.store.insert_join_token(&join).await.unwrap();
        let credentials = Credentials {
            token: TokenHash::of(name),
            join: Some(token),
            name: name.to_owned(),
            platform: Platform::Nixos,
        };
        fleet.identify(credentials).await.unwrap()
    }

    async fn shown(fleet: &Fleet) -> Vec<(String, bool)> {
        let hosts = fleet.snapshot().await.unwrap().hosts;
        hosts.into_iter().map(|host| (host.name, host.online)).collect()
    }

    /// A host whose checkout is at the commit `old`.
    fn facts() -> Facts {
        let checkout = Checkout {
            path: "/etc/nixos".into(),
            commit: Commit("old".into()),
            tree: None,
            lock_hash: None,
            local: None,
        };
        let facts = serde_json::json!({
            "read_at": "2026-01-01T00:00:00Z", "profile": "/nix/var/nix/profiles/system", "generations": [],
            "running": null, "booted": null, "checkout": checkout, "tests_available": 0, "test_runs": [],
            "failed_units": [], "problems": [],
        });
        serde_json::from_value(facts).unwrap()
    }

    fn branch(commit: &str) -> DesiredState {
        let commit = Commit(commit.into());
        let read_at = "2026-01-01T00:00:00Z".parse().unwrap();
        DesiredState::Known { tree: commit.clone(), commit, lock_hash: None, read_at }
    }

    /// The names of the events since `after`.
    fn told(fleet: &Fleet, after: u64) -> Vec<&'static str> {
        fleet.events.subscribe(Some(after)).missed.iter().map(|event| event.name).collect()
    }

    #[tokio::test]
    async fn a_page_starts_from_what_others_were_told() {
        let folder = tempfile::tempdir().unwrap();
        let fleet = fleet(folder.path()).await;
        assert_eq!(shown(&fleet).await, []);
        let web = enrol(&fleet, "web").await;
        enrol(&fleet, "Backup").await;
        assert_eq!(shown(&fleet).await, [("Backup".to_owned(), false), ("web".to_owned(), false)]);
        let hello = Hello {
            protocol: PROTOCOL_VERSION,
            agent_version: "0.1.0".into(),
            name: "web".into(),
            platform: Platform::Nixos,
            instance: None,
        };
        let (_, connection) = fleet.greet(&web, &hello).await.unwrap();
        assert_eq!(shown(&fleet).await, [("Backup".to_owned(), false), ("web".to_owned(), true)]);
        fleet.agent_left(&connection.unwrap()).await;
        assert_eq!(shown(&fleet).await[1], ("web".to_owned(), false));
        let snapshot = fleet.snapshot().await.unwrap();
        assert_eq!(told(&fleet, snapshot.last_event), [""; 0]);
    }

    #[tokio::test]
    async fn only_hosts_that_are_not_as_before_are_told_when_the_branch_moves() {
        let folder = tempfile::tempdir().unwrap();
        let fleet = fleet(folder.path()).await;
        let web = enrol(&fleet, "web").await;
        // This one has reported nothing that could be compared.
        enrol(&fleet, "db").await;
        fleet.store.record_facts(web.id, &facts()).await.unwrap();
        fleet.set_desired(branch("old"));
        fleet.publish_all().await;
        let before = fleet.snapshot().await.unwrap();
        fleet.set_desired(branch("new"));
        fleet.publish_all().await;
        assert_eq!(told(&fleet, before.last_event), ["host"]);
        let after = fleet.snapshot().await.unwrap();
        assert_ne!(before.hosts[1], after.hosts[1]);
        fleet.publish_all().await;
        assert_eq!(told(&fleet, after.last_event), [""; 0]);
    }

    #[tokio::test]
    async fn a_host_that_is_removed_leaves_every_page_and_is_not_let_in_again() {
        let folder = tempfile::tempdir().unwrap();
        let fleet = fleet(folder.path()).await;
        let web = enrol(&fleet, "web").await;
        let connection = fleet.hub.connect(web.id, None);
        let before = fleet.snapshot().await.unwrap();
        let person = |role| Person { name: "maria".into(), role };

        let refused = fleet.remove_host(&person(Role::Operator), "web").await;
        assert!(matches!(refused, Err(RequestError::NotAllowed { needed: Role::Admin })), "{refused:?}");
        fleet.request_op(&person(Role::Admin), "web", OpAction::Refresh, None).await.unwrap();
        let refused = fleet.remove_host(&person(Role::Admin), "web").await;
        assert!(matches!(refused, Err(RequestError::HostBusy { .. })), "{refused:?}");
        assert_eq!(fleet.snapshot().await.unwrap().hosts.len(), 1);
        let op = fleet.store.open_op(web.id).await.unwrap().unwrap();
        fleet.store.step_op(op.id, &OpStep::to(OpStatus::Cancelled)).await.unwrap().unwrap();

        fleet.remove_host(&person(Role::Admin), "WEB").await.unwrap();
        assert_eq!(fleet.snapshot().await.unwrap().hosts, []);
        let heard = told(&fleet, before.last_event);
        assert_eq!(heard[heard.len() - 2..], ["host_removed", "notice"]);
        assert!(!fleet.is_known_token(&TokenHash::of("web")).await.unwrap());
        assert!(!fleet.hub.is_online(web.id), "its connection was given up");
        let heard = fleet.events.last();
        fleet.agent_left(&connection).await;
        assert_eq!(told(&fleet, heard), [""; 0]);
        let again = fleet.remove_host(&person(Role::Admin), "web").await;
        assert!(matches!(again, Err(RequestError::NoSuchHost(_))), "{again:?}");
    }
}
