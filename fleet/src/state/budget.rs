//! Limits how much hosts may send.
//!
//! A compromised host must not fill the disk or keep the server busy. Each host has a budget in bytes that refills over time. The
//! server pauses reading from a host without budget: nothing is lost, and an honest agent with much data sends it more slowly.
//! The budget outlives the connection.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;

use backstay_model::HostId;
use backstay_model::wire::message::AgentMessage;
use tokio::time::Instant;

/// Bytes that a host may send at once.
const BURST: u64 = 16 * 1024 * 1024;
/// Bytes that it may send each second after that.
const PER_SECOND: u64 = 1024 * 1024;
/// Cost of each message beside its size: a transaction.
const MESSAGE: u64 = 16 * 1024;
/// Cost of a hello: the store and every page receive it.
pub const HELLO: u64 = 256 * 1024;
/// Cost of facts beside their size.
const FACTS: u64 = 64 * 1024;

/// Returns the cost of a message of this size. The store splits facts into several tables, and every page receives the host's row.
pub fn cost(message: &AgentMessage, bytes: usize) -> u64 {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let facts = match message {
        AgentMessage::Facts { .. } | AgentMessage::Finished { .. } => {
            FACTS.saturating_add(bytes.saturating_mul(3))
        }
        AgentMessage::Hello(_) => HELLO,
        _ => 0,
    };
    MESSAGE.saturating_add(bytes).saturating_add(facts)
}

/// The budgets of all hosts.
#[derive(Debug, Default)]
pub(crate) struct Budgets(Mutex<HashMap<HostId, Budget>>);

#[derive(Debug)]
struct Budget {
    /// Spent bytes that have not been refilled yet.
    spent: u64,
    at: Instant,
}

impl Budgets {
    /// Charges a host. Returns how long to wait before reading from it again.
    pub(crate) fn spend(&self, host: HostId, cost: u64, now: Instant) -> Duration {
        let mut all = self.0.lock();
        let budget = all.entry(host).or_insert(Budget { spent: 0, at: now });
        let millis = u64::try_from(now.saturating_duration_since(budget.at).as_millis()).unwrap_or(u64::MAX);
        budget.spent =
            budget.spent.saturating_sub(millis.saturating_mul(PER_SECOND) / 1000).saturating_add(cost);
        budget.at = now;
        Duration::from_millis(budget.spent.saturating_sub(BURST).saturating_mul(1000) / PER_SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn a_burst_is_free_and_then_the_host_waits() {
        let (budgets, host, start) = (Budgets::default(), HostId::new(), Instant::now());
        assert_eq!(budgets.spend(host, BURST, start), Duration::ZERO);
        assert_eq!(budgets.spend(host, 2 * MIB, start), Duration::from_secs(2));
        let later = start + Duration::from_secs(2);
        assert_eq!(budgets.spend(host, MIB, later), Duration::from_secs(1));
        assert_eq!(budgets.spend(HostId::new(), MIB, later), Duration::ZERO, "another host has its own");
        let much_later = start + Duration::from_hours(1);
        assert_eq!(budgets.spend(host, BURST, much_later), Duration::ZERO);
    }
}
