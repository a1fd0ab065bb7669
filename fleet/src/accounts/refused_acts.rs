//! What people may not do, and tried: counted in memory, and summed up in the audit log. A page or a script may try again and again,
//! so the log gets a few entries for each [`SPAN`](super::refused::SPAN).

use std::collections::HashMap;
use std::sync::Arc;

use backstay_model::{Action, NotAllowed};
use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::refused::SPAN;
use crate::ops::SERVER;
use crate::store::NewAuditEntry;

/// Entries for one span; the remaining refusals share one more.
const ENTRIES: usize = 20;

/// The refused acts that the audit log does not have yet. Everybody who is logged in shares them.
#[derive(Debug, Clone, Default)]
pub(super) struct RefusedActs(Arc<Mutex<Counts>>);

/// It is no part of who somebody is.
impl PartialEq for RefusedActs {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for RefusedActs {}

#[derive(Debug, Default)]
struct Counts {
    since: Option<DateTime<Utc>>,
    /// By person and action, with the last reason. Their number is limited.
    acts: HashMap<(String, Action), (u64, String)>,
}

impl RefusedActs {
    /// Counts a refusal.
    pub(super) fn count(&self, name: &str, action: Action, why: &NotAllowed) {
        let mut counts = self.0.lock();
        let act = counts.acts.entry((name.to_owned(), action)).or_default();
        *act = (act.0 + 1, why.to_string());
    }

    /// Takes the entries of a span that is over at this time, or of all refusals. The first call after a refusal begins the span.
    pub(super) fn take(&self, now: DateTime<Utc>, all: bool) -> Vec<NewAuditEntry> {
        let mut counts = self.0.lock();
        if counts.acts.is_empty() {
            return vec![];
        }
        let since = *counts.since.get_or_insert(now);
        // A time in the future means that the clock was set back.
        if !all && since <= now && now < since + SPAN {
            return vec![];
        }
        std::mem::take(&mut *counts).entries(now)
    }
}

impl Counts {
    fn entries(self, now: DateTime<Utc>) -> Vec<NewAuditEntry> {
        let mut acts: Vec<_> = self.acts.into_iter().collect();
        acts.sort_by(|one, other| other.1.0.cmp(&one.1.0).then_with(|| one.0.cmp(&other.0)));
        let rest = acts.split_off(acts.len().min(ENTRIES));
        let others: u64 = rest.iter().map(|(_, (count, _))| count).sum();
        let entry = |actor: &str, detail| NewAuditEntry::new(now, actor, "refused", detail);
        let named = acts.into_iter().map(|((name, action), (count, why))| {
            let times = if count == 1 { String::new() } else { format!(" {count} times") };
            entry(&name, format!("Tried{times} to {}. {why}", action.words()))
        });
        let others = (others > 0).then(|| entry(SERVER, format!("{others} further acts were refused.")));
        named.chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::Role;

    use super::*;

    fn details(acts: &RefusedActs, at: DateTime<Utc>, all: bool) -> Vec<(String, String)> {
        acts.take(at, all).into_iter().map(|entry| (entry.actor, entry.detail)).collect()
    }

    #[test]
    fn refused_acts_are_summed_up_by_person_and_action() {
        let (acts, start) = (RefusedActs::default(), DateTime::UNIX_EPOCH);
        for _ in 0..5_000 {
            acts.count("maria", Action::Merge, &NotAllowed::Role(Role::Operator));
        }
        acts.count("otto", Action::RollBack, &NotAllowed::Host(Role::Responder, "web".to_owned()));
        assert_eq!(details(&acts, start, false), [], "the span begins");
        assert_eq!(details(&acts, start + SPAN - chrono::TimeDelta::seconds(1), false), []);
        let pair = |actor: &str, detail: &str| (actor.to_owned(), detail.to_owned());
        let expected = [
            pair("maria", "Tried 5000 times to merge a pull request. This requires the operator role."),
            pair("otto", "Tried to roll a host back. This requires the responder role on web."),
        ];
        assert_eq!(details(&acts, start + SPAN, false), expected);
        assert_eq!(details(&acts, start + SPAN, true), []);
    }

    #[test]
    fn many_people_make_few_entries() {
        let acts = RefusedActs::default();
        for number in 0..100 {
            acts.count(&format!("p{number:02}"), Action::Merge, &NotAllowed::Role(Role::Operator));
        }
        let entries = details(&acts, DateTime::UNIX_EPOCH, true);
        assert_eq!(entries.len(), ENTRIES + 1);
        assert_eq!(entries.last().unwrap().1, "80 further acts were refused.");
    }
}
