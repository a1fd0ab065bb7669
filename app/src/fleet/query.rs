//! What a person types to see some hosts only: `status:failed platform:nixos -lock:ok web`.
//!
//! Words are separated by spaces, and all of them have to be true of a host. A word with a colon asks for something in
//! particular; one without is part of a host's name. A hyphen in front turns a word around.

use std::str::FromStr;

use backstay_model::{HostView, Platform, State};

use super::drift::Majority;
use super::status::HostStatus;

/// The longest query that is looked at, in bytes.
const LONGEST: usize = 500;

/// Which hosts are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    negated: bool,
    asks: Asks,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Asks {
    /// A part of the name, in lower case.
    Name(String),
    Status(HostStatus),
    Platform(Platform),
    /// One light, by its place among the five, in one of these states.
    Light(usize, State),
    Generation(u32),
    /// The beginning of the commit that the current generation was built from.
    Commit(String),
    /// A word that people gave the host.
    Tag(String),
    /// Whether an op holds the host.
    Busy,
    /// Whether it runs something else than most of the fleet.
    Drifted,
}

/// A query that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    /// It asks for what there is not.
    #[error("“{word}” is not a filter. Use {known}.")]
    Unknown { word: String, known: String },
    #[error("This filter is longer than {LONGEST} bytes. Shorten it.")]
    TooLong,
}

/// What stands before a colon.
const KEYS: &str =
    "status:, platform:, tag:, agent:, git:, lock:, system:, tests:, gen:, commit:, is:busy, is:drifted";
/// The lights, by place.
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
    // A hyphen alone, or in the midst of a name, is part of it.
    let (negated, rest) = match word.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, word),
    };
    let asks = match rest.split_once(':') {
        Some((key, value)) => asks(&key.to_lowercase(), &value.to_lowercase())
            .map_err(|known| QueryError::Unknown { word: word.to_owned(), known })?,
        None => Asks::Name(rest.to_lowercase()),
    };
    Ok(Term { negated, asks })
}

/// What a word with a colon asks for; else what there is to ask for.
fn asks(key: &str, value: &str) -> Result<Asks, String> {
    if let Some(place) = LIGHTS.iter().position(|light| *light == key) {
        let state = STATES.into_iter().find(|state| state.as_str() == value);
        return state
            .map(|state| Asks::Light(place, state))
            .ok_or_else(|| listed(key, STATES.map(State::as_str)));
    }
    match key {
        "status" => HostStatus::ALL
            .into_iter()
            .find(|status| status.as_str() == value || status.former_name() == Some(value))
            .map(Asks::Status)
            .ok_or_else(|| listed(key, HostStatus::ALL.map(HostStatus::as_str))),
        "platform" => {
            value.parse().map(Asks::Platform).map_err(|_| listed(key, Platform::ALL.map(Platform::as_str)))
        }
        "gen" => value.parse().map(Asks::Generation).map_err(|_| "gen:NUMBER".to_owned()),
        "commit" if !value.is_empty() => Ok(Asks::Commit(value.to_owned())),
        "tag" if !value.is_empty() => Ok(Asks::Tag(value.to_owned())),
        "is" => match value {
            "busy" => Ok(Asks::Busy),
            "drifted" => Ok(Asks::Drifted),
            _ => Err("is:busy, is:drifted".to_owned()),
        },
        _ => Err(KEYS.to_owned()),
    }
}

fn listed<const N: usize>(key: &str, values: [&str; N]) -> String {
    values.map(|value| format!("{key}:{value}")).join(", ")
}

impl Query {
    /// Whether it asks for every host.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether its answer depends on what most of the fleet runs.
    pub(crate) fn asks_for_drift(&self) -> bool {
        self.terms.iter().any(|term| term.asks == Asks::Drifted)
    }

    /// Whether it wants this host, where most of the fleet runs that.
    pub(crate) fn wants(&self, host: &HostView, majority: Option<&Majority>) -> bool {
        self.terms.iter().all(|term| term.asks.is_true_of(host, majority) != term.negated)
    }
}

impl Asks {
    fn is_true_of(&self, host: &HostView, majority: Option<&Majority>) -> bool {
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
            Self::Busy => host.op.is_some(),
            Self::Drifted => majority
                .zip(host.generation.as_ref())
                .is_some_and(|(majority, generation)| majority.differs_from(generation)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::drift::Tally;
    use super::super::sample::{generation, host};
    use super::*;

    /// gpc0 is fine, imac0 has failed tests, web-1 is offline.
    fn fleet() -> [HostView; 3] {
        let mut mac = HostView { platform: Platform::Darwin, ..host("imac0") };
        mac.lights.tests.state = State::Failed;
        [host("gpc0"), mac, HostView { online: false, tags: vec!["cloud".into()], ..host("web-1") }]
    }

    fn found(query: &str) -> Vec<String> {
        let query: Query = query.parse().unwrap();
        fleet().into_iter().filter(|host| query.wants(host, None)).map(|host| host.name).collect()
    }

    #[test]
    fn who_runs_something_else_than_most_is_found() {
        let on = |name: &str, commit| HostView { generation: Some(generation(7, commit)), ..host(name) };
        let hosts = [on("gpc0", Some("a")), on("gpc1", Some("a")), on("imac0", Some("b")), on("web-1", None)];
        let mut tally = Tally::default();
        hosts.iter().filter_map(|host| host.generation.as_ref()).for_each(|g| tally.add(g));
        let majority = tally.majority();
        let found = |query: &str| {
            let query: Query = query.parse().unwrap();
            assert!(query.asks_for_drift());
            let found = hosts.iter().filter(|host| query.wants(host, majority.as_ref()));
            found.map(|host| host.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(found("is:drifted"), ["imac0"]);
        assert_eq!(found("-is:drifted"), ["gpc0", "gpc1", "web-1"]);
    }

    #[test]
    fn what_is_asked_for_is_found() {
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
            ("-tag:cloud", &["gpc0", "imac0"]),
            ("is:busy", &[]),
            ("is:drifted", &[]),
            ("status:due", &[]),
            ("-status:attention", &["gpc0", "imac0", "web-1"]),
            ("gen:48", &[]),
        ] {
            assert_eq!(found(query), names, "{query}");
        }
    }

    #[test]
    fn what_there_is_not_is_said_with_what_there_is() {
        let error = |query: &str| query.parse::<Query>().unwrap_err().to_string();
        assert!(error("status:borken").contains("status:failed"), "{}", error("status:borken"));
        assert!(error("x:y").contains("platform:"));
        assert!(error("gen:x").contains("gen:NUMBER"));
        assert!("a".repeat(600).parse::<Query>().is_err());
    }

    proptest! {
        #[test]
        fn no_query_is_too_much(text in ".{0,80}") {
            if let Ok(query) = text.parse::<Query>() {
                for host in fleet() {
                    let _ = query.wants(&host, None);
                }
            }
        }

        /// A word and the same word turned around share out the fleet between them.
        #[test]
        fn a_hyphen_turns_a_word_around(word in "[a-z0-9]{1,3}|status:(fine|failed|offline|due)|platform:(nixos|darwin)") {
            let mut all = found(&word);
            all.extend(found(&format!("-{word}")));
            all.sort();
            prop_assert_eq!(all, ["gpc0", "imac0", "web-1"]);
        }
    }
}
