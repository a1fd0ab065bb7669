//! The state that all components of a page share.

use std::collections::HashSet;
use std::sync::Arc;

use backstay_model::deployment::Deployment;
use backstay_model::pull_request::PullRequests;
use backstay_model::rollout::Rollout;
use backstay_model::view::{FleetSnapshot, NOTICES_COUNTED};
use backstay_model::wire::event::{Event, Notice, Tone};
use backstay_model::{Action, HostId, HostView, OpKind, Person, PersonView, cmp_host_names};
use chrono::{DateTime, Utc};
use leptos::prelude::*;

use super::shared::Shared;
use super::toasts::{self, ShownNotice};
use crate::api::{Address, Start};

/// One host of the fleet and its signal, so that a change of one host touches no other row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its identifier.
    pub id: HostId,
    /// Its name.
    pub name: String,
    /// The latest state of the host.
    pub host: ArcRwSignal<HostView>,
}

impl Row {
    fn new(host: HostView) -> Self {
        Self { id: host.id, name: host.name.clone(), host: ArcRwSignal::new(host) }
    }

    /// Derives a value from the host; it changes only when the value does.
    pub(crate) fn memo<T>(&self, read: impl Fn(&HostView) -> T + Send + Sync + 'static) -> Memo<T>
    where
        T: PartialEq + Send + Sync + 'static,
    {
        let host = self.host.clone();
        Memo::new(move |_| host.with(&read))
    }
}

/// The state of the event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// The stream is being opened for the first time.
    Opening,
    /// The stream is open.
    Live,
    /// The stream was lost and is being opened again.
    Reconnecting {
        /// When the page last heard from the server: it shows the state of then.
        as_of: DateTime<Utc>,
    },
}

/// The state that all components of a page share. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Live {
    rows: RwSignal<Vec<Row>>,
    changes: RwSignal<u64>,
    pull_requests: RwSignal<PullRequests>,
    deployment: RwSignal<Option<Deployment>>,
    rollout: RwSignal<Option<Rollout>>,
    person: RwSignal<Option<Person>>,
    view: RwSignal<PersonView>,
    address: RwSignal<Address>,
    connection: RwSignal<Connection>,
    notices: RwSignal<Vec<ShownNotice>>,
    newest_notices: RwSignal<Vec<u64>>,
    read_notice: RwSignal<Option<u64>>,
    server_version: RwSignal<String>,
    outdated: RwSignal<bool>,
    last_event: StoredValue<u64>,
    shared: StoredValue<Arc<Shared>>,
}

impl Live {
    /// The state of a page before its start.
    #[expect(
        clippy::new_without_default,
        reason = "signals belong to where they are made: no default should make them"
    )]
    pub fn new() -> Self {
        Self {
            rows: RwSignal::new(Vec::new()),
            changes: RwSignal::new(0),
            pull_requests: RwSignal::new(PullRequests::default()),
            deployment: RwSignal::new(None),
            rollout: RwSignal::new(None),
            person: RwSignal::new(None),
            view: RwSignal::new(PersonView::default()),
            address: RwSignal::new(Address::default()),
            connection: RwSignal::new(Connection::Opening),
            notices: RwSignal::new(Vec::new()),
            newest_notices: RwSignal::new(Vec::new()),
            read_notice: RwSignal::new(None),
            server_version: RwSignal::new(String::new()),
            outdated: RwSignal::new(false),
            last_event: StoredValue::new(0),
            shared: StoredValue::new(Arc::default()),
        }
    }

    /// Loads the start of the page; does nothing if it has started already.
    pub(crate) fn begin(self, start: Start) {
        if let Some(shared) = self.shared.try_get_value() {
            shared.begin(|| self.fill(start));
        }
    }

    fn fill(self, start: Start) {
        let FleetSnapshot {
            hosts,
            pull_requests,
            deployment,
            rollout,
            last_event,
            newest_notices,
            server_version,
        } = start.snapshot;
        self.last_event.set_value(last_event);
        self.newest_notices.set(newest_notices);
        self.server_version.set(server_version);
        self.pull_requests.set(pull_requests);
        self.deployment.set(deployment);
        self.rollout.set(rollout);
        self.rows.set(hosts.into_iter().map(Row::new).collect());
        self.person.set(Some(start.person));
        self.address.set(start.address);
        self.view.set(start.view);
        if let Some(shared) = self.shared.try_get_value() {
            shared.keep_saved_views(start.saved_views);
        }
    }

    /// The hosts, by name.
    pub fn rows(self) -> RwSignal<Vec<Row>> {
        self.rows
    }

    /// Notifies whenever a host has changed, for values derived from all hosts, so that they need not follow
    /// each signal.
    pub(crate) fn changes(self) -> RwSignal<u64> {
        self.changes
    }

    /// Visits each host; notifies whenever one is added, removed or changed.
    pub(crate) fn each_host(self, mut look: impl FnMut(&HostView)) {
        self.changes.track();
        self.rows.with(|rows| rows.iter().for_each(|row| row.host.with_untracked(&mut look)));
    }

    /// The host with this name, ignoring case; reactive to its arrival and removal.
    pub fn host(self, name: &str) -> Option<ArcRwSignal<HostView>> {
        self.rows.with(|rows| rows.iter().find(|r| r.name.eq_ignore_ascii_case(name)).map(|r| r.host.clone()))
    }

    /// Who is logged in.
    pub fn person(self) -> Option<Person> {
        self.person.get()
    }

    /// Whether that person may do this, on this host or on the whole fleet. The server checks this again; here it only spares
    /// people a refusal.
    pub fn may(self, action: Action, host: Option<&str>) -> bool {
        let row = host.and_then(|name| self.host(name));
        self.person.with(|person| {
            let Some(person) = person else { return false };
            let answer = match row {
                Some(row) => row.with(|host| person.require_on(action, &host.traits())),
                None => person.require(action),
            };
            answer.is_ok()
        })
    }

    /// [`Live::may`] on a host, for controls: it changes only when the answer does, so that an open question is not built again
    /// whenever the host changes.
    pub(crate) fn may_memo(self, action: Action, host: &str) -> Memo<bool> {
        let host = host.to_owned();
        Memo::new(move |_| self.may(action, Some(&host)))
    }

    /// Whether to offer that person this op on a host: they may request it, and nothing else deploys the host.
    pub fn offers(self, kind: OpKind, host: &str) -> bool {
        let observed = || self.host(host).is_some_and(|host| host.with(|host| host.observed));
        self.may(Action::request(kind), Some(host)) && !(kind.deploys() && observed())
    }

    /// That person's view settings for the fleet page.
    pub fn view(self) -> RwSignal<PersonView> {
        self.view
    }

    /// The list of that person's saved views when the page began, as markup.
    pub(crate) fn saved_views(self) -> String {
        self.shared.try_get_value().map(|shared| shared.saved_views()).unwrap_or_default()
    }

    /// The server's address, as known when the page was rendered.
    pub(crate) fn address(self) -> RwSignal<Address> {
        self.address
    }

    /// The state of the event stream.
    pub fn connection(self) -> RwSignal<Connection> {
        self.connection
    }

    /// The shown notices, oldest first.
    pub fn notices(self) -> RwSignal<Vec<ShownNotice>> {
        self.notices
    }

    /// The number of the last event that this state includes.
    pub(crate) fn last_event(self) -> u64 {
        self.last_event.try_get_value().unwrap_or_default()
    }

    /// Calls `listener` with each event, and with [`Event::Resync`] after a reload, while the calling
    /// component is shown.
    pub fn listen(self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        if let Some(shared) = self.shared.try_get_value() {
            let key = shared.listen(listener);
            on_cleanup(move || shared.forget(key));
        }
    }

    /// Calls `missed` if events after `read_through` arrived before the caller listened, that is, while it
    /// was loading data. In an effect, so only in browsers.
    pub(crate) fn missed_since(self, read_through: u64, missed: impl Fn() + 'static) {
        Effect::new(move |_| {
            if self.last_event() > read_through {
                missed();
            }
        });
    }

    /// Applies an event.
    pub(crate) fn apply(self, id: u64, event: &Event) {
        self.take_in(id, event);
        self.notify_changes(std::slice::from_ref(event));
    }

    /// Applies several events, except known ones: a reload may have included them.
    pub(crate) fn apply_all(self, events: &[(u64, Event)]) {
        for (id, event) in events.iter().filter(|(id, _)| *id > self.last_event()) {
            self.take_in(*id, event);
        }
        self.notify_changes(events.iter().map(|(_, event)| event));
    }

    fn notify_changes<'a>(self, events: impl IntoIterator<Item = &'a Event>) {
        if events.into_iter().any(|event| matches!(event, Event::Host { .. })) {
            // `None` if the page is gone.
            let _ = self.changes.try_update(|changes| *changes += 1);
        }
    }

    fn take_in(self, id: u64, event: &Event) {
        if self.last_event.try_update_value(|last| *last = id).is_none() {
            // The page is gone.
            return;
        }
        match event {
            Event::Host { host } => self.put(host),
            Event::HostRemoved { id } => self.rows.update(|rows| rows.retain(|r| r.id != *id)),
            Event::Notice(notice) => self.show(id, notice.clone()),
            Event::PullRequests { pull_requests } => self.pull_requests.set((**pull_requests).clone()),
            Event::Deployment { deployment } => self.hear_deployment(deployment),
            Event::Rollout { rollout } => self.hear_rollout(rollout),
            // The server also sends a notice for each of these, and separate events for the hosts' lights,
            // the branch and the deployment.
            Event::PrMerged { .. }
            | Event::PrReverted { .. }
            | Event::Op { .. }
            | Event::Output { .. }
            | Event::Resync => {}
        }
        self.notify(event);
    }

    /// Replaces the whole state, after events were missed.
    pub(crate) fn reset(self, start: Start) {
        let FleetSnapshot {
            hosts,
            pull_requests,
            deployment,
            rollout,
            last_event,
            newest_notices,
            server_version,
        } = start.snapshot;
        if self.last_event.try_update_value(|last| *last = last_event).is_none() {
            return;
        }
        if self.server_version.with_untracked(|known| *known != server_version) {
            self.outdated.set(true);
        }
        self.newest_notices.set(newest_notices);
        self.person.set(Some(start.person));
        self.view.set(start.view);
        self.pull_requests.set(pull_requests);
        self.deployment.set(deployment);
        self.rollout.set(rollout);
        let there: HashSet<HostId> = hosts.iter().map(|host| host.id).collect();
        self.rows.update(|rows| rows.retain(|row| there.contains(&row.id)));
        for host in hosts {
            self.put(&host);
        }
        self.changes.update(|changes| *changes += 1);
        self.notify(&Event::Resync);
    }

    /// Dismisses a notice.
    pub fn dismiss(self, key: u64) {
        self.notices.try_update(|shown| shown.retain(|n| n.key != key));
    }

    /// The number of notices that this browser's person has not read, up to [`NOTICES_COUNTED`]; 0 until the
    /// browser's storage has been read.
    pub(crate) fn unread_notices(self) -> usize {
        let Some(read) = self.read_notice.get() else { return 0 };
        self.newest_notices.with(|numbers| numbers.iter().filter(|number| **number > read).count())
    }

    /// The number of the newest notice when this browser last showed the list: 0 if it never did, `None`
    /// until the browser's storage has been read.
    pub fn read_notice(self) -> RwSignal<Option<u64>> {
        self.read_notice
    }

    /// The version of the server that rendered this page.
    pub fn server_version(self) -> RwSignal<String> {
        self.server_version
    }

    /// Whether the server has another version than this page, which may not understand its messages.
    pub fn outdated(self) -> RwSignal<bool> {
        self.outdated
    }

    /// The open pull requests.
    pub fn pull_requests(self) -> Signal<PullRequests> {
        self.pull_requests.into()
    }

    /// The newest deployment.
    pub fn deployment(self) -> Signal<Option<Deployment>> {
        self.deployment.into()
    }

    /// The newest roll-out.
    pub fn rollout(self) -> Signal<Option<Rollout>> {
        self.rollout.into()
    }

    /// Identifiers sort by creation time, so events of older deployments are ignored.
    fn hear_deployment(self, deployment: &Deployment) {
        let is_undecided =
            || self.deployment.with_untracked(|known| known.as_ref().is_some_and(Deployment::needs_decision));
        let was_undecided = is_undecided();
        self.deployment.maybe_update(|known| match known {
            Some(known) if known.id > deployment.id => false,
            Some(known) if known.id == deployment.id => {
                known.update(deployment.clone());
                true
            }
            known => {
                *known = Some(deployment.clone());
                true
            }
        });
        if was_undecided && !is_undecided() {
            self.notices.update(|shown| shown.retain(|shown| shown.notice.tone != Tone::Bad));
        }
    }

    fn hear_rollout(self, rollout: &Rollout) {
        self.rollout.maybe_update(|known| match known {
            Some(known) if known.id > rollout.id => false,
            Some(known) if known.id == rollout.id => {
                known.update(rollout.clone());
                true
            }
            known => {
                *known = Some(rollout.clone());
                true
            }
        });
    }

    fn put(self, host: &HostView) {
        let known =
            self.rows.with_untracked(|rows| rows.iter().find(|r| r.id == host.id).map(|r| r.host.clone()));
        match known {
            Some(signal) => {
                if signal.with_untracked(|old| old != host) {
                    signal.set(host.clone());
                }
            }
            None => self.rows.update(|rows| {
                let at = rows.partition_point(|row| cmp_host_names(&row.name, &host.name).is_lt());
                rows.insert(at, Row::new(host.clone()));
            }),
        }
    }

    fn show(self, key: u64, notice: Notice) {
        self.newest_notices.update(|numbers| {
            numbers.push(key);
            numbers.drain(..numbers.len().saturating_sub(NOTICES_COUNTED));
        });
        let me = self.person.with_untracked(|person| person.as_ref().map(|person| person.name.clone()));
        self.notices.update(|shown| toasts::add(shown, key, notice, me.as_deref()));
    }

    fn notify(self, event: &Event) {
        if let Some(shared) = self.shared.try_get_value() {
            shared.notify(event);
        }
    }
}

#[cfg(test)]
mod tests;
