//! The filter of the history of ops, as the address states it.

use backstay_model::view::{OpQuery, Search};
use backstay_model::{OpId, OpKind, OpStatus, OpView};
use leptos_router::params::ParamsMap;

use crate::pages::search;
use crate::routes::Route;

/// Maximum number of ops on an open page as new ones arrive.
const LONGEST: usize = 200;

/// The outcomes that a person can filter by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Open,
    Succeeded,
    NotSucceeded,
    Refused,
}

impl Group {
    pub(super) const ALL: [Self; 4] = [Self::Open, Self::Succeeded, Self::NotSucceeded, Self::Refused];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Succeeded => "succeeded",
            Self::NotSucceeded => "unsuccessful",
            Self::Refused => "refused",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Succeeded => "Succeeded",
            Self::NotSucceeded => "Did not succeed",
            Self::Refused => "Refused",
        }
    }

    fn statuses(self) -> &'static [OpStatus] {
        use OpStatus::{Blocked, Cancelled, Failed, Lost, Queued, Running, Sent, Succeeded, TimedOut};
        match self {
            Self::Open => &[Queued, Sent, Running],
            Self::Succeeded => &[Succeeded],
            Self::NotSucceeded => &[Failed, TimedOut, Cancelled, Lost],
            Self::Refused => &[Blocked],
        }
    }
}

/// The ops that a history shows. Whatever is not valid in an address is ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) host: Option<String>,
    pub(super) kind: Option<OpKind>,
    pub(super) outcome: Option<Group>,
    pub(super) by: Option<String>,
    pub(super) search: Search,
    pub(super) before: Option<OpId>,
}

impl Filter {
    pub(super) fn from_query(query: &ParamsMap) -> Self {
        let said =
            |key: &str| query.get(key).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Self {
            host: said("host"),
            kind: said("kind").and_then(|kind| kind.parse().ok()),
            outcome: said("outcome")
                .and_then(|said| Group::ALL.into_iter().find(|group| group.as_str() == said)),
            by: said("by"),
            search: search::from_params(query),
            before: said("before").and_then(|before| before.parse().ok()),
        }
    }

    pub(super) fn query(&self) -> OpQuery {
        OpQuery {
            host: self.host.clone(),
            kind: self.kind,
            statuses: self.outcome.map(|group| group.statuses().to_vec()).unwrap_or_default(),
            by: self.by.clone(),
            search: self.search.clone(),
            before: self.before,
        }
    }

    /// The address of this filter.
    pub(super) fn address(&self) -> String {
        let mut query = ParamsMap::new();
        let said = [
            ("host", self.host.clone()),
            ("kind", self.kind.map(|kind| kind.to_string())),
            ("outcome", self.outcome.map(|group| group.as_str().to_owned())),
            ("by", self.by.clone()),
            ("before", self.before.map(|before| before.to_string())),
        ];
        for (key, value) in said.into_iter().chain(search::params(&self.search)) {
            if let Some(value) = value {
                query.insert(key, value);
            }
        }
        format!("{}{}", Route::Ops { host: None }, query.to_query_string())
    }

    pub(super) fn older_than(&self, op: OpId) -> String {
        Self { before: Some(op), ..self.clone() }.address()
    }

    /// The filter in words.
    pub(super) fn words(&self) -> Vec<String> {
        let words = [
            self.host.as_ref().map(|host| format!("host {host}")),
            self.kind.map(|kind| format!("“{}”", kind.title())),
            self.outcome.map(|group| format!("outcome “{}”", group.title())),
            self.by.as_ref().map(|by| format!("person {by}")),
            self.search.from.as_ref().map(|day| format!("from {day}")),
            self.search.to.as_ref().map(|day| format!("to {day}")),
            self.search.text.as_ref().map(|text| format!("text “{text}”")),
            self.before.map(|_| "older ones".to_owned()),
        ];
        words.into_iter().flatten().collect()
    }

    fn matches(&self, op: &OpView) -> bool {
        self.host.as_ref().is_none_or(|host| host.eq_ignore_ascii_case(&op.host_name))
            && self.kind.is_none_or(|kind| kind == op.action.kind())
            && self.outcome.is_none_or(|group| group.statuses().contains(&op.status))
            && self.by.as_ref().is_none_or(|by| *by == op.requested_by)
            && self.before.is_none_or(|before| op.id < before)
    }

    /// Applies the present state of an op.
    pub(super) fn apply(&self, ops: &mut Vec<OpView>, heard: &OpView) {
        let known = ops.iter().position(|op| op.id == heard.id);
        match (known, self.matches(heard)) {
            // A closed op never opens again, so this event is out of date.
            (Some(at), _) if !ops[at].status.is_open() && heard.status.is_open() => {}
            (Some(at), true) => ops[at] = heard.clone(),
            (Some(at), false) => drop(ops.remove(at)),
            // Only the server knows whether a search finds it.
            (None, true) if self.before.is_none() && self.search == Search::default() => {
                let at = ops.partition_point(|op| op.id > heard.id);
                // Ops below the last one belong to the next page.
                if at < ops.len() || ops.is_empty() {
                    ops.insert(at, heard.clone());
                    ops.truncate(LONGEST);
                }
            }
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::{OpAction, sample};

    use super::*;

    fn op(host: &str, action: OpAction, status: OpStatus) -> OpView {
        OpView { host_name: host.into(), requested_by: "maria".into(), ..sample::op(action, status) }
    }

    fn filter(said: &[(&'static str, &str)]) -> Filter {
        Filter::from_query(&said.iter().map(|(key, value)| (*key, (*value).to_owned())).collect())
    }

    #[test]
    fn a_filter_survives_its_address() {
        let all = [("host", "gpc0"), ("kind", "test"), ("outcome", "unsuccessful"), ("by", "maria b")];
        let said = filter(&all);
        assert_eq!(said.address(), "/ops?host=gpc0&kind=test&outcome=unsuccessful&by=maria%20b");
        assert_eq!(said.words().len(), 4);
        assert_eq!(said.query().statuses.len(), 4);
        assert_eq!(
            filter(&[("host", " "), ("kind", "dance"), ("outcome", "x"), ("before", "y")]),
            Filter::default()
        );
    }

    #[test]
    fn every_status_is_in_one_group() {
        for status in OpStatus::ALL {
            assert_eq!(
                Group::ALL.iter().filter(|group| group.statuses().contains(&status)).count(),
                1,
                "{status}"
            );
        }
    }

    #[test]
    fn new_ops_find_their_place_and_those_that_no_longer_match_go() {
        let open = filter(&[("outcome", "open")]);
        let (old, new) =
            (op("gpc0", OpAction::Test, OpStatus::Running), op("imac0", OpAction::Pull, OpStatus::Queued));
        let mut shown = vec![old.clone()];
        open.apply(&mut shown, &new);
        assert_eq!(shown, [new.clone(), old.clone()]);
        open.apply(&mut shown, &OpView { status: OpStatus::Failed, ..new.clone() });
        assert_eq!(shown, std::slice::from_ref(&old));
        open.apply(&mut shown, &op("gpc0", OpAction::Pull, OpStatus::Succeeded));
        assert_eq!(shown, [old]);
    }

    #[test]
    fn an_event_that_is_out_of_date_changes_nothing() {
        let closed = op("gpc0", OpAction::Test, OpStatus::Failed);
        let mut shown = vec![closed.clone()];
        Filter::default().apply(&mut shown, &OpView { status: OpStatus::Running, ..closed.clone() });
        assert_eq!(shown, [closed]);
    }

    #[test]
    fn older_pages_take_no_new_ones() {
        let first = op("gpc0", OpAction::Test, OpStatus::Failed);
        let older = Filter { before: Some(first.id), ..Filter::default() };
        let mut shown = vec![];
        older.apply(&mut shown, &op("gpc0", OpAction::Test, OpStatus::Queued));
        assert_eq!(shown, []);
    }
}
