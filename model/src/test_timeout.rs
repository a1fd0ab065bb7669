//! The time limit that people set for each test of a host.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Upper bound on the limit, in seconds: a run of all tests has no more time.
pub const MAX_TEST_TIMEOUT_SECS: u32 = 30 * 60;

/// The time limit for each test of a host: whole seconds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct TestTimeout(u32);

/// Why a time limit is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestTimeoutError {
    /// Not a number.
    #[error(
        "“{0}” is not a whole number. Nothing was changed. Enter one, or leave the field empty for the agent's own setting."
    )]
    NotANumber(String),
    /// Zero, or too long.
    #[error("A test may take from 1 second to {} minutes. Nothing was changed.", MAX_TEST_TIMEOUT_SECS / 60)]
    OutOfBounds,
}

impl TestTimeout {
    /// A limit in seconds.
    ///
    /// # Errors
    /// [`TestTimeoutError::OutOfBounds`]
    pub fn from_secs(secs: u64) -> Result<Self, TestTimeoutError> {
        let fits = u32::try_from(secs).ok().filter(|secs| (1..=MAX_TEST_TIMEOUT_SECS).contains(secs));
        fits.map(Self).ok_or(TestTimeoutError::OutOfBounds)
    }

    /// Parses a person's input: an amount, in minutes or seconds. An empty amount means no limit is set.
    ///
    /// # Errors
    /// [`TestTimeoutError`]
    pub fn parse(amount: &str, in_minutes: bool) -> Result<Option<Self>, TestTimeoutError> {
        let amount = amount.trim();
        if amount.is_empty() {
            return Ok(None);
        }
        if !amount.bytes().all(|b| b.is_ascii_digit()) {
            return Err(TestTimeoutError::NotANumber(amount.chars().take(20).collect()));
        }
        // Digits that do not parse are a number that is too large.
        let amount: u64 = amount.parse().map_err(|_| TestTimeoutError::OutOfBounds)?;
        Self::from_secs(amount.saturating_mul(if in_minutes { 60 } else { 1 })).map(Some)
    }

    /// In seconds.
    pub fn as_secs(self) -> u32 {
        self.0
    }

    /// The amount, and whether it is in minutes: whole minutes are.
    pub fn shown(self) -> (u32, bool) {
        if self.0.is_multiple_of(60) { (self.0 / 60, true) } else { (self.0, false) }
    }
}

impl fmt::Display for TestTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shown() {
            (amount, true) => write!(f, "{amount} min"),
            (amount, false) => write!(f, "{amount} s"),
        }
    }
}

impl TryFrom<u32> for TestTimeout {
    type Error = TestTimeoutError;

    fn try_from(secs: u32) -> Result<Self, Self::Error> {
        Self::from_secs(secs.into())
    }
}

impl From<TestTimeout> for u32 {
    fn from(timeout: TestTimeout) -> Self {
        timeout.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_parsed() {
        let secs =
            |amount, in_minutes| TestTimeout::parse(amount, in_minutes).map(|t| t.map(TestTimeout::as_secs));
        assert_eq!(secs(" 90 ", false), Ok(Some(90)));
        assert_eq!(secs("5", true), Ok(Some(300)));
        assert_eq!(secs("30", true), Ok(Some(1800)));
        assert_eq!(secs(" ", true), Ok(None));
    }

    #[test]
    fn invalid_limits_are_rejected() {
        for bad in ["x", "-5", "1.5", "5 min", "٥"] {
            assert!(matches!(TestTimeout::parse(bad, false), Err(TestTimeoutError::NotANumber(_))), "{bad}");
        }
        for (bad, in_minutes) in
            [("0", false), ("1801", false), ("31", true), ("99999999999999999999999", true)]
        {
            assert_eq!(TestTimeout::parse(bad, in_minutes), Err(TestTimeoutError::OutOfBounds), "{bad}");
        }
        assert!(serde_json::from_str::<TestTimeout>("0").is_err());
    }

    #[test]
    fn whole_minutes_are_shown_as_minutes() {
        let shown = |secs| TestTimeout::from_secs(secs).unwrap().to_string();
        assert_eq!((shown(300), shown(90)), ("5 min".to_owned(), "90 s".to_owned()));
    }
}
