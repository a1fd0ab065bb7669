//! Keeps facts small enough to travel.

use backstay_protocol::Facts;
use backstay_protocol::limits::MESSAGE_BYTES;

/// The most that facts take as JSON, so that a message with them and a result stays within its limit.
pub(super) const FACTS_BYTES: usize = MESSAGE_BYTES * 3 / 4;

/// Drops what matters least until the facts fit: first the oldest test runs, then the oldest generations.
pub(super) fn fit(facts: &mut Facts) {
    facts.cut_to_limits();
    while size(facts) > FACTS_BYTES {
        let dropped = if facts.test_runs.is_empty() {
            // The current generation may be the oldest one, and has to stay.
            let last = facts.generations.iter().rposition(|g| !g.current);
            last.map(|at| facts.generations.remove(at)).is_some()
        } else {
            let keep = facts.test_runs.len() * 3 / 4;
            facts.test_runs.truncate(keep);
            true
        };
        if !dropped {
            return;
        }
    }
}

fn size(facts: &Facts) -> usize {
    serde_json::to_vec(facts).map_or(0, |json| json.len())
}
