//! How a person wants the fleet page to look.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest text that is read as a view, in bytes: what the database may hold of one.
const LONGEST: usize = 1000;

/// How much room a host takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Density {
    /// A few lines for each.
    #[default]
    Comfortable,
    /// One line for each.
    Compact,
}

impl Density {
    /// Every density.
    pub const ALL: [Self; 2] = [Self::Comfortable, Self::Compact];

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

/// A column that a person may do without. The host's name and its menu are always there.
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
    /// What the host is doing.
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

    /// The words above it.
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

/// How a person wants the fleet page to look.
///
/// What is hidden is kept rather than what is shown: a column that a later version brings is then seen by everybody.
/// Values that this version does not know are passed over, for a later one may have written them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct PersonView {
    /// How much room a host takes.
    pub density: Density,
    /// The columns that are not shown.
    pub hidden: BTreeSet<Column>,
}

/// A view as it travels and as it is stored.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    density: String,
    hidden: Vec<String>,
}

impl PersonView {
    /// A view in which these columns alone are shown.
    pub fn showing(density: Density, columns: impl IntoIterator<Item = Column>) -> Self {
        let mut hidden = BTreeSet::from(Column::ALL);
        for column in columns {
            hidden.remove(&column);
        }
        Self { density, hidden }
    }

    /// Whether a column is shown.
    pub fn shows(&self, column: Column) -> bool {
        !self.hidden.contains(&column)
    }

    /// How many columns are shown.
    pub fn shown(&self) -> usize {
        Column::ALL.len() - self.hidden.len()
    }

    /// Reads what [`Self::to_text`] wrote; what is none is the view that everybody begins with.
    pub fn from_text(text: &str) -> Self {
        if text.len() > LONGEST { Self::default() } else { serde_json::from_str(text).unwrap_or_default() }
    }

    /// The view as text, of a few hundred bytes at most.
    pub fn to_text(&self) -> String {
        // Plain words alone: there is nothing in it that JSON could not say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl From<Stored> for PersonView {
    fn from(stored: Stored) -> Self {
        Self {
            density: stored.density.parse().unwrap_or_default(),
            hidden: stored.hidden.iter().filter_map(|column| column.parse().ok()).collect(),
        }
    }
}

impl From<PersonView> for Stored {
    fn from(view: PersonView) -> Self {
        Self {
            density: view.density.as_str().to_owned(),
            hidden: view.hidden.into_iter().map(|column| column.as_str().to_owned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_known_is_passed_over() {
        for (text, view) in [
            ("{}", PersonView::default()),
            ("", PersonView::default()),
            ("[1]", PersonView::default()),
            (r#"{"hidden":{"git":1}}"#, PersonView::default()),
            (
                r#"{"density":"compact","hidden":["git","weather"],"font":"serif"}"#,
                PersonView { density: Density::Compact, hidden: [Column::Git].into() },
            ),
            (
                r#"{"density":"cosy","hidden":["now"]}"#,
                PersonView { density: Density::Comfortable, hidden: [Column::Now].into() },
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
    fn what_is_shown_is_not_hidden() {
        let view = PersonView::showing(Density::Compact, [Column::System, Column::Now]);
        assert!(view.shows(Column::System) && !view.shows(Column::Git));
        assert_eq!(PersonView::showing(Density::Comfortable, Column::ALL), PersonView::default());
    }

    fn views() -> impl Strategy<Value = PersonView> {
        let columns = proptest::sample::subsequence(&Column::ALL[..], 0..=Column::ALL.len());
        (proptest::sample::select(&Density::ALL[..]), columns)
            .prop_map(|(density, columns)| PersonView::showing(density, columns))
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(view in views()) {
            let text = view.to_text();
            prop_assert!(text.len() <= LONGEST);
            prop_assert_eq!(PersonView::from_text(&text), view);
        }
    }
}
