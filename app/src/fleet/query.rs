//! The filter that a person types: `status:failed platform:nixos -lock:ok web`.
//!
//! Words are separated by spaces, and a host has to match all of them. A word with a colon names a property;
//! one without is part of a host's name. A hyphen in front negates a word.

use std::collections::BTreeSet;
use std::str::FromStr;

use backstay_model::{HostView, Platform, State, folded_tag};

use super::drift::Majority;
use super::status::HostStatus;

/// Upper bound on a filter, in bytes.
const LONGEST: usize = 500;

/// Upper bound on the completions offered at once.
const MOST_COMPLETIONS: usize = 20;

/// A parsed filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    negated: bool,
    criterion: Criterion,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Criterion {
    /// Part of the name, in lower case.
    Name(String),
    Status(HostStatus),
    Platform(Platform),
    /// A light, by its index, in this state.
    Light(usize, State),
    Generation(u32),
    /// The start of the current generation's commit.
    Commit(String),
    /// A tag.
    Tag(String),
    /// The version of the agent.
    AgentVersion(String),
    /// An op holds the host.
    Busy,
    /// The host is connected, and its system or its tests failed.
    Broken,
    /// The host differs from most of the fleet.
    Drifted,
}

/// Why a filter is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    /// A word names no known property or value.
    #[error("“{word}” is not a filter. Use {known}.")]
    Unknown { word: String, known: String },
    #[error("This filter is longer than {LONGEST} bytes. Shorten it.")]
    TooLong,
}

/// The known filters.
const KEYS: [&str; 14] = [
    "status:",
    "platform:",
    "tag:",
    "agent:",
    "git:",
    "lock:",
    "system:",
    "tests:",
    "gen:",
    "commit:",
    "agent-version:",
    "is:busy",
    "is:broken",
    "is:drifted",
];
/// The lights, by index.
const LIGHTS: [&str; 5] = ["agent", "git", "lock", "system", "tests"];
const STATES: [State; 5] = [State::Ok, State::Attention, State::Failed, State::Working, State::Unknown];

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        if text.len() > LONGEST {
            return Err(QueryError::TooLong);
        }
        let terms = text.split_whitespace().map(term).collect::<Result<_, _>>()?;
        Ok(Self { terms })
    }
}

fn term(word: &str) -> Result<Term, QueryError> {
    // A hyphen alone, or within a name, is part of the name.
    let (negated, rest) = match word.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, word),
    };
    let criterion = match rest.split_once(':') {
        Some((key, value)) => criterion(&key.to_lowercase(), &value.to_lowercase())
            .map_err(|known| QueryError::Unknown { word: word.to_owned(), known })?,
        None => Criterion::Name(rest.to_lowercase()),
    };
    Ok(Term { negated, criterion })
}

/// Parses a word with a colon; the error lists the known filters.
fn criterion(key: &str, value: &str) -> Result<Criterion, String> {
    if let Some(place) = LIGHTS.iter().position(|light| *light == key) {
        let state = STATES.into_iter().find(|state| state.as_str() == value);
        return state.map(|state| Criterion::Light(place, state)).ok_or_else(|| known(key));
    }
    match key {
        "status" => HostStatus::ALL
            .into_iter()
            .find(|status| status.as_str() == value || status.former_name() == Some(value))
            .map(Criterion::Status)
            .ok_or_else(|| known(key)),
        "platform" => value.parse().map(Criterion::Platform).map_err(|_| known(key)),
        "gen" => value.parse().map(Criterion::Generation).map_err(|_| "gen:NUMBER".to_owned()),
        "commit" if !value.is_empty() => Ok(Criterion::Commit(value.to_owned())),
        "tag" if !value.is_empty() => Ok(Criterion::Tag(folded_tag(value))),
        "agent-version" if !value.is_empty() => Ok(Criterion::AgentVersion(value.to_owned())),
        "is" => match value {
            "busy" => Ok(Criterion::Busy),
            "broken" => Ok(Criterion::Broken),
            "drifted" => Ok(Criterion::Drifted),
            _ => Err(known(key)),
        },
        _ => Err(known(key)),
    }
}

/// The filters with this key, or all keys if there is none like it, as a sentence lists them.
fn known(key: &str) -> String {
    let words = with_key(key);
    if words.is_empty() { KEYS.join(", ") } else { words.join(", ") }
}

/// The filters with this key, if they can be listed.
fn with_key(key: &str) -> Vec<String> {
    let of = |values: &[&str]| values.iter().map(|value| format!("{key}:{value}")).collect();
    match key {
        "status" => of(&HostStatus::ALL.map(HostStatus::as_str)),
        "platform" => of(&Platform::ALL.map(Platform::as_str)),
        "is" => of(&["busy", "broken", "drifted"]),
        _ if LIGHTS.contains(&key) => of(&STATES.map(State::as_str)),
        _ => vec![],
    }
}

/// Ways to go on with the last word of a filter, each as the whole filter. `tags` are those of the fleet.
pub(crate) fn completions(text: &str, tags: impl FnOnce() -> BTreeSet<String>) -> Vec<String> {
    let (before, word) = text.split_at(text.rfind(' ').map_or(0, |space| space + 1));
    let (hyphen, word) = word.split_at(usize::from(word.starts_with('-')));
    let word = word.to_lowercase();
    let words = match word.split_once(':') {
        Some(("tag", _)) => tags().into_iter().map(|tag| format!("tag:{tag}")).collect(),
        Some((key, _)) => with_key(key),
        None => KEYS.map(str::to_owned).to_vec(),
    };
    let fitting = words.into_iter().filter(|known| known.starts_with(&word) && *known != word);
    fitting.take(MOST_COMPLETIONS).map(|known| format!("{before}{hyphen}{known}")).collect()
}

impl Query {
    /// Returns whether every host matches.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Returns whether it depends on what most of the fleet runs.
    pub(crate) fn depends_on_majority(&self) -> bool {
        self.terms.iter().any(|term| term.criterion == Criterion::Drifted)
    }

    /// Returns whether a host matches, given what most of the fleet runs.
    pub(crate) fn matches(&self, host: &HostView, majority: Option<&Majority>) -> bool {
        self.terms.iter().all(|term| term.criterion.holds_for(host, majority) != term.negated)
    }
}

impl Criterion {
    fn holds_for(&self, host: &HostView, majority: Option<&Majority>) -> bool {
        match self {
            Self::Name(part) => host.name.to_lowercase().contains(part),
            Self::Status(status) => HostStatus::of(host) == *status,
            Self::Platform(platform) => host.platform == *platform,
            Self::Light(place, state) => host.lights.named()[*place].1.state == *state,
            Self::Generation(number) => host.generation.as_ref().is_some_and(|g| g.number == *number),
            Self::Commit(beginning) => {
                let commit = host.generation.as_ref().and_then(|g| g.commit.as_ref());
                commit.is_some_and(|commit| commit.0.starts_with(beginning))
            }
            Self::Tag(tag) => host.tags.contains(tag),
            Self::AgentVersion(version) => host.agent_version.as_ref().is_some_and(|it| it == version),
            Self::Busy => host.op.is_some(),
            Self::Broken => host.online && host.trouble.is_some(),
            Self::Drifted => majority
                .zip(host.generation.as_ref())
                .is_some_and(|(majority, generation)| majority.differs_from(generation)),
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::sample::{generation, host};
    use backstay_model::{Commit, Generation, Trouble};
    use proptest::prelude::*;

    use super::super::drift::Tally;
    use super::*;

    /// gpc0 is fine, imac0 has failed tests, web-1 is offline.
    fn fleet() -> [HostView; 3] {
        let mut mac = HostView { platform: Platform::Darwin, ..host("imac0") };
        mac.lights.tests.state = State::Failed;
        mac.trouble =
            Some(Trouble { what: "x11 failed".into(), since: None, way_back: None, worked_until: None });
        let (trouble, agent_version) = (mac.trouble.clone(), Some("0.2.0".to_owned()));
        let tags = vec!["cloud".into(), "büro".into()];
        [host("gpc0"), mac, HostView { online: false, tags, trouble, agent_version, ..host("web-1") }]
    }

    fn found(query: &str) -> Vec<String> {
        let query: Query = query.parse().unwrap();
        fleet().into_iter().filter(|host| query.matches(host, None)).map(|host| host.name).collect()
    }

    #[test]
    fn drifted_hosts_are_found() {
        let on = |name: &str, commit: Option<&str>| {
            let commit = commit.map(|commit| Commit(commit.to_owned()));
            HostView { generation: Some(Generation { commit, ..generation(7, 0) }), ..host(name) }
        };
        let hosts = [on("gpc0", Some("a")), on("gpc1", Some("a")), on("imac0", Some("b")), on("web-1", None)];
        let mut tally = Tally::default();
        hosts.iter().filter_map(|host| host.generation.as_ref()).for_each(|g| tally.add(g));
        let majority = tally.majority();
        let found = |query: &str| {
            let query: Query = query.parse().unwrap();
            assert!(query.depends_on_majority());
            let found = hosts.iter().filter(|host| query.matches(host, majority.as_ref()));
            found.map(|host| host.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(found("is:drifted"), ["imac0"]);
        assert_eq!(found("-is:drifted"), ["gpc0", "gpc1", "web-1"]);
    }

    #[test]
    fn matching_hosts_are_found() {
        for (query, names) in [
            ("", &["gpc0", "imac0", "web-1"][..]),
            ("C0", &["gpc0", "imac0"]),
            ("status:failed", &["imac0"]),
            ("status:offline", &["web-1"]),
            ("-status:offline", &["gpc0", "imac0"]),
            ("platform:nixos", &["gpc0", "web-1"]),
            ("platform:NIXOS -web-1", &["gpc0"]),
            ("tests:failed", &["imac0"]),
            ("tests:ok status:fine", &["gpc0"]),
            ("web-1", &["web-1"]),
            ("- web", &["web-1"]),
            ("tag:Cloud", &["web-1"]),
            ("tag:BÜRO", &["web-1"]),
            ("-tag:cloud", &["gpc0", "imac0"]),
            ("is:busy", &[]),
            ("is:broken", &["imac0"]),
            ("agent-version:0.2.0", &["web-1"]),
            ("is:drifted", &[]),
            ("status:due", &[]),
            ("-status:attention", &["gpc0", "imac0", "web-1"]),
            ("gen:48", &[]),
        ] {
            assert_eq!(found(query), names, "{query}");
        }
    }

    #[test]
    fn the_last_word_of_a_filter_is_completed() {
        let offered = |text: &str| completions(text, || ["cloud".to_owned(), "desk".to_owned()].into());
        assert_eq!(offered("").len(), KEYS.len());
        assert_eq!(offered("st"), ["status:"]);
        assert_eq!(offered("status:"), ["status:failed", "status:offline", "status:due", "status:fine"]);
        assert_eq!(offered("web tag:c"), ["web tag:cloud"]);
        assert_eq!(offered("status:fine -IS:b"), ["status:fine -is:busy", "status:fine -is:broken"]);
        assert_eq!(offered("lock:ok"), [""; 0]);
        assert_eq!(offered("gen:4"), [""; 0]);
        assert_eq!(offered("gpc0"), [""; 0]);
    }

    #[test]
    fn an_unknown_filter_is_answered_with_the_known_ones() {
        let error = |query: &str| query.parse::<Query>().unwrap_err().to_string();
        assert!(error("status:borken").contains("status:failed"), "{}", error("status:borken"));
        assert!(error("x:y").contains("platform:"));
        assert!(error("gen:x").contains("gen:NUMBER"));
        assert!("a".repeat(600).parse::<Query>().is_err());
    }

    proptest! {
        #[test]
        fn no_input_panics(text in ".{0,80}") {
            let _ = completions(&text, BTreeSet::new);
            if let Ok(query) = text.parse::<Query>() {
                for host in fleet() {
                    let _ = query.matches(&host, None);
                }
            }
        }

        /// A word and its negation divide the fleet between them.
        #[test]
        fn a_hyphen_negates_a_word(word in "[a-z0-9]{1,3}|status:(fine|failed|offline|due)|platform:(nixos|darwin)") {
            let mut all = found(&word);
            all.extend(found(&format!("-{word}")));
            all.sort();
            prop_assert_eq!(all, ["gpc0", "imac0", "web-1"]);
        }
    }
}
