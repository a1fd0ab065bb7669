//! Keeps facts small enough to send.

use backstay_model::Facts;
use backstay_model::wire::limits::MESSAGE_BYTES;

/// Upper bound on facts as JSON, so that a message with them and a result stays within its limit.
pub(super) const FACTS_BYTES: usize = MESSAGE_BYTES * 3 / 4;

/// Drops what matters least until the facts fit: first the test output of all runs except the newest, then
/// the oldest runs, then the oldest generations. A passed test has no output, so a run that shows what works
/// is small and goes last.
pub(super) fn fit(facts: &mut Facts) {
    facts.cut_to_limits();
    if size(facts) > FACTS_BYTES {
        for result in facts.test_runs.iter_mut().skip(1).flat_map(|run| &mut run.results) {
            result.tail.clear();
        }
    }
    while size(facts) > FACTS_BYTES && drop_oldest(facts) {}
}

fn drop_oldest(facts: &mut Facts) -> bool {
    if facts.test_runs.is_empty() {
        // The current generation may be the oldest one and must stay.
        let last = facts.generations.iter().rposition(|g| !g.current);
        return last.map(|at| facts.generations.remove(at)).is_some();
    }
    let keep = facts.test_runs.len() * 3 / 4;
    facts.test_runs.truncate(keep);
    true
}

fn size(facts: &Facts) -> usize {
    serde_json::to_vec(facts).map_or(0, |json| json.len())
}
