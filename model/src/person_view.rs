//! A person's view settings for the fleet page.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Upper bound on a stored view, in bytes: the database's limit.
const LONGEST: usize = 1000;
/// More hosts than this are shown in one line each, unless the person chose otherwise.
const COMFORTABLE: usize = 20;

/// How much space a host takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Density {
    /// A few lines per host.
    Comfortable,
    /// One line per host.
    Compact,
}

impl Density {
    /// Every density.
    pub const ALL: [Self; 2] = [Self::Comfortable, Self::Compact];

    /// The density that fits this many hosts.
    pub fn of_many(hosts: usize) -> Self {
        if hosts > COMFORTABLE { Self::Compact } else { Self::Comfortable }
    }

    /// The name in forms, style sheets and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comfortable => "comfortable",
            Self::Compact => "compact",
        }
    }
}

impl FromStr for Density {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|density| density.as_str() == text).ok_or(())
    }
}

/// A column that a person may hide. The host's name and its menu are always shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The light of the agent.
    Agent,
    /// The light of the checkout.
    Git,
    /// The light of `flake.lock`.
    Lock,
    /// The light of the system.
    System,
    /// The light of the tests.
    Tests,
    /// The current generation.
    Generation,
    /// The host's current activity.
    Now,
}

impl Column {
    /// Every column, in the order of the page.
    pub const ALL: [Self; 7] =
        [Self::Agent, Self::Git, Self::Lock, Self::System, Self::Tests, Self::Generation, Self::Now];

    /// The name in forms, style sheets and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Git => "git",
            Self::Lock => "lock",
            Self::System => "system",
            Self::Tests => "tests",
            Self::Generation => "generation",
            Self::Now => "now",
        }
    }

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Agent => "Agent",
            Self::Git => "Git",
            Self::Lock => "Lock",
            Self::System => "System",
            Self::Tests => "Tests",
            Self::Generation => "Generation",
            Self::Now => "Now",
        }
    }
}

impl FromStr for Column {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|column| column.as_str() == text).ok_or(())
    }
}

/// A person's view settings for the fleet page.
///
/// Hidden columns are stored rather than shown ones, so that everybody sees a column that a later version
/// adds. Unknown values are ignored: a later version may have written them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct PersonView {
    /// How much space a host takes; `None` if the number of hosts decides.
    pub density: Option<Density>,
    /// The hidden columns.
    pub hidden: BTreeSet<Column>,
}

/// A view on the wire and in the database.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    density: String,
    hidden: Vec<String>,
}

impl PersonView {
    /// A view that shows only these columns.
    pub fn showing(density: Option<Density>, columns: impl IntoIterator<Item = Column>) -> Self {
        let mut hidden = BTreeSet::from(Column::ALL);
        for column in columns {
            hidden.remove(&column);
        }
        Self { density, hidden }
    }

    /// Returns whether a column is shown.
    pub fn shows(&self, column: Column) -> bool {
        !self.hidden.contains(&column)
    }

    /// Parses the output of [`Self::to_text`]; other text yields the default view.
    pub fn from_text(text: &str) -> Self {
        if text.len() > LONGEST { Self::default() } else { serde_json::from_str(text).unwrap_or_default() }
    }

    /// The view as text, of a few hundred bytes at most.
    pub fn to_text(&self) -> String {
        // Plain words only: JSON can represent all of them.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl From<Stored> for PersonView {
    fn from(stored: Stored) -> Self {
        Self {
            density: stored.density.parse().ok(),
            hidden: stored.hidden.iter().filter_map(|column| column.parse().ok()).collect(),
        }
    }
}

impl From<PersonView> for Stored {
    fn from(view: PersonView) -> Self {
        Self {
            density: view.density.map_or("", Density::as_str).to_owned(),
            hidden: view.hidden.into_iter().map(|column| column.as_str().to_owned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_values_are_ignored() {
        for (text, view) in [
            ("{}", PersonView::default()),
            ("", PersonView::default()),
            ("[1]", PersonView::default()),
            (r#"{"hidden":{"git":1}}"#, PersonView::default()),
            (
                r#"{"density":"compact","hidden":["git","weather"],"font":"serif"}"#,
                PersonView { density: Some(Density::Compact), hidden: [Column::Git].into() },
            ),
            (
                r#"{"density":"cosy","hidden":["now"]}"#,
                PersonView { density: None, hidden: [Column::Now].into() },
            ),
        ] {
            assert_eq!(PersonView::from_text(text), view, "{text}");
        }
        assert_eq!(
            PersonView::from_text(&format!(r#"{{"hidden":["{}"]}}"#, "x".repeat(2000))),
            PersonView::default()
        );
    }

    #[test]
    fn shown_columns_are_not_hidden() {
        let view = PersonView::showing(Some(Density::Compact), [Column::System, Column::Now]);
        assert!(view.shows(Column::System) && !view.shows(Column::Git));
        assert_eq!(PersonView::showing(None, Column::ALL), PersonView::default());
    }

    #[test]
    fn many_hosts_take_one_line_each() {
        assert_eq!([20, 21].map(Density::of_many), [Density::Comfortable, Density::Compact]);
    }

    fn views() -> impl Strategy<Value = PersonView> {
        let columns = proptest::sample::subsequence(&Column::ALL[..], 0..=Column::ALL.len());
        (proptest::option::of(proptest::sample::select(&Density::ALL[..])), columns)
            .prop_map(|(density, columns)| PersonView::showing(density, columns))
    }

    proptest! {
        #[test]
        fn a_view_survives_the_round_trip(view in views()) {
            let text = view.to_text();
            prop_assert!(text.len() <= LONGEST);
            prop_assert_eq!(PersonView::from_text(&text), view);
        }
    }
}
