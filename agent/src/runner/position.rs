//! The position of a host.

use backstay_model::Facts;

/// What the host's profile points at, and what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// The generation that the profile points at.
    pub(crate) current: Option<u32>,
    /// The running build.
    pub(crate) running: Option<String>,
    /// Its active specialisation.
    pub(crate) specialisation: Option<String>,
    running_number: Option<u32>,
}

impl Position {
    /// The position according to these facts.
    pub(crate) fn of(facts: &Facts) -> Self {
        Self {
            current: facts.current().map(|g| g.number),
            running: facts.running.clone(),
            specialisation: facts.specialisation.clone(),
            running_number: facts.running_generation().map(|g| g.number),
        }
    }

    /// Whether the same build runs as at the other position.
    pub(crate) fn runs_like(&self, other: &Self) -> bool {
        (&self.running, &self.specialisation) == (&other.running, &other.specialisation)
    }

    /// Whether the profile's generation runs.
    pub(crate) fn is_settled(&self) -> bool {
        self.current.is_some() && self.current == self.running_number
    }

    /// Describes the position in a sentence.
    pub(crate) fn describe(&self) -> String {
        let special = self.specialisation.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        match (self.current, self.running_number) {
            (Some(current), Some(running)) if current == running => {
                format!("The host is on Gen {current}{special}.")
            }
            (Some(current), Some(running)) => {
                format!("Its profile points at Gen {current}, but Gen {running}{special} runs.")
            }
            (Some(current), None) => {
                format!("Its profile points at Gen {current}; the running build is none of its generations.")
            }
            (None, _) => "Its profile could not be read.".to_owned(),
        }
    }
}
