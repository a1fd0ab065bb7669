//! All hosts together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use backstay_fleet::accounts::Accounts;
use backstay_fleet::secret::Secret;
use backstay_fleet::store::{self, NewAuditEntry, Store};
use backstay_model::{Clock as _, HostId, Labels, SystemClock};
use chrono::TimeDelta;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{MissedTickBehavior, interval};

use crate::facts;
use crate::host::Host;

/// Number of hosts that join at once.
const AT_ONCE: usize = 16;
/// Lifetime of their tokens.
const TOKENS: TimeDelta = TimeDelta::hours(1);
/// How often changes are sent: many small groups look to the server like independent hosts.
const TICK: Duration = Duration::from_millis(20);
/// Number of orders that may wait for a host.
const ORDERS: usize = 64;

/// All hosts together.
pub(crate) struct Crowd {
    hosts: BTreeMap<String, Sender<()>>,
}

/// The hosts' join tokens.
struct Gate {
    server: String,
    store: Option<Arc<dyn Store>>,
}

impl Crowd {
    /// Lets this many hosts join, and one in `offline_one_in` of them leave again.
    pub(crate) async fn join(
        server: &str,
        database: Option<&str>,
        count: u32,
        offline_one_in: u32,
    ) -> Result<Self> {
        let store = match database {
            Some(database) => Some(store::open(database).await?),
            None => None,
        };
        let gate = Gate { server: server.to_owned(), store };
        let hosts = stream::iter(1..=count)
            .map(|number| gate.enter(number, offline_one_in > 0 && number % offline_one_in == 13))
            .buffer_unordered(AT_ONCE)
            .try_filter_map(|host| std::future::ready(Ok(host)))
            .try_collect()
            .await?;
        Ok(Self { hosts })
    }

    /// Has the hosts report changes, one after another; returns the number of changes.
    pub(crate) async fn events(&self, rate: u32, lasting: Duration) -> u64 {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut turns = self.hosts.values().cycle();
        let (count, mut sent) = (lasting.as_millis() / TICK.as_millis(), 0);
        for tick in 1..=count {
            ticks.tick().await;
            let due = tick * TICK.as_millis() * u128::from(rate) / 1_000;
            while u128::from(sent) < due {
                let Some(host) = turns.next() else { return sent };
                // Skips a host that has not sent its last changes yet.
                if host.try_send(()).is_ok() {
                    sent += 1;
                }
            }
        }
        sent
    }

    /// Has one host report a change.
    pub(crate) fn change(&self, name: &str) -> Result<()> {
        let host = self.hosts.get(name).with_context(|| format!("no connected host is named {name}"))?;
        host.try_send(()).with_context(|| format!("{name} does not listen"))
    }
}

impl Gate {
    /// Lets one host in; if it stays, returns its name and the channel for its orders.
    async fn enter(&self, number: u32, leaves: bool) -> Result<Option<(String, Sender<()>)>> {
        let name = facts::name(number);
        let token = self.token(&name).await?;
        let host =
            Host::join(&self.server, number, &token).await.with_context(|| format!("{name} did not join"))?;
        self.label(host.id, number).await?;
        if leaves {
            host.leave().await?;
            return Ok(None);
        }
        let (tell, told) = channel(ORDERS);
        tokio::spawn({
            let name = name.clone();
            async move {
                if let Err(error) = host.stay(told).await {
                    eprintln!("{name} was lost: {error:#}");
                }
            }
        });
        Ok(Some((name, tell)))
    }

    async fn token(&self, name: &str) -> Result<Secret> {
        let Some(store) = &self.store else { return Ok(Secret::random()) };
        let accounts = Accounts::new(Arc::clone(store), Arc::new(SystemClock));
        Ok(accounts.new_join_token(Some(name.to_owned()), TOKENS).await?)
    }

    async fn label(&self, host: HostId, number: u32) -> Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let labels = Labels { tags: facts::tags(number), notes: String::new() };
        let detail = format!("Tags: {}.", labels.tags.join(", "));
        let entry =
            NewAuditEntry::new(SystemClock.now(), "crowd", "host.labels", detail).host(facts::name(number));
        Ok(store.set_labels(host, &labels, &entry).await?)
    }
}
