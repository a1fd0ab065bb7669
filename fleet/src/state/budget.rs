//! How much hosts may say.
//!
//! A host that was taken over must not fill the disk or keep the server busy for the others. Each host has a budget in
//! bytes that fills up again as time goes by. A host that has used up its budget is not read for a moment: nothing is
//! lost, and an honest agent that has much to tell tells it more slowly. The budget outlives the connection.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use backstay_model::HostId;
use backstay_model::wire::message::AgentMessage;
use tokio::time::Instant;

/// What a host may say at once.
const BURST: u64 = 16 * 1024 * 1024;
/// What it may say each second from then on.
const PER_SECOND: u64 = 1024 * 1024;
/// What each message costs beside its size: a transaction.
const MESSAGE: u64 = 16 * 1024;
/// What a hello costs: it is written down, and every page hears of it.
pub const HELLO: u64 = 256 * 1024;
/// What facts cost beside their size.
const FACTS: u64 = 64 * 1024;

/// What a message of so many bytes costs. Facts are stored in several tables, and every page is sent the host's row.
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
    /// What was spent and has not been made up for.
    spent: u64,
    at: Instant,
}

impl Budgets {
    /// Takes note that a host has spent this; for how long it is not to be read now.
    pub(crate) fn spend(&self, host: HostId, cost: u64, now: Instant) -> Duration {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    fn a_burst_is_free_and_then_the_host_waits_for_what_it_said() {
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
