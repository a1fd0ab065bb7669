//! How long each test of a host may take, where people set it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest that may be set, in seconds: a run of all tests has no more.
pub const MAX_TEST_TIMEOUT_SECS: u32 = 30 * 60;

/// How long each test of a host may take: whole seconds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct TestTimeout(u32);

/// What is no time that tests may take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestTimeoutError {
    /// Not a number.
    #[error(
        "“{0}” is not a whole number. Nothing was changed. Enter one, or leave the field empty for the agent's own setting."
    )]
    NoNumber(String),
    /// None, or too much.
    #[error("A test may take from 1 second to {} minutes. Nothing was changed.", MAX_TEST_TIMEOUT_SECS / 60)]
    OutOfBounds,
}

impl TestTimeout {
    /// So many seconds.
    ///
    /// # Errors
    /// [`TestTimeoutError::OutOfBounds`]
    pub fn from_secs(secs: u64) -> Result<Self, TestTimeoutError> {
        let fits = u32::try_from(secs).ok().filter(|secs| (1..=MAX_TEST_TIMEOUT_SECS).contains(secs));
        fits.map(Self).ok_or(TestTimeoutError::OutOfBounds)
    }

    /// Reads what a person typed: an amount, and whether it is minutes. Nothing stands for nothing set.
    ///
    /// # Errors
    /// [`TestTimeoutError`]
    pub fn parse(amount: &str, in_minutes: bool) -> Result<Option<Self>, TestTimeoutError> {
        let amount = amount.trim();
        if amount.is_empty() {
            return Ok(None);
        }
        if !amount.bytes().all(|b| b.is_ascii_digit()) {
            return Err(TestTimeoutError::NoNumber(amount.chars().take(20).collect()));
        }
        // Of digits alone, what is no number is one that is too large.
        let amount: u64 = amount.parse().map_err(|_| TestTimeoutError::OutOfBounds)?;
        Self::from_secs(amount.saturating_mul(if in_minutes { 60 } else { 1 })).map(Some)
    }

    /// In seconds.
    pub fn as_secs(self) -> u32 {
        self.0
    }

    /// As an amount and whether it is minutes: whole minutes as such.
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
    fn what_was_typed_is_read() {
        let secs =
            |amount, in_minutes| TestTimeout::parse(amount, in_minutes).map(|t| t.map(TestTimeout::as_secs));
        assert_eq!(secs(" 90 ", false), Ok(Some(90)));
        assert_eq!(secs("5", true), Ok(Some(300)));
        assert_eq!(secs("30", true), Ok(Some(1800)));
        assert_eq!(secs(" ", true), Ok(None));
    }

    #[test]
    fn what_is_no_time_is_said() {
        for bad in ["x", "-5", "1.5", "5 min", "٥"] {
            assert!(matches!(TestTimeout::parse(bad, false), Err(TestTimeoutError::NoNumber(_))), "{bad}");
        }
        for (bad, in_minutes) in
            [("0", false), ("1801", false), ("31", true), ("99999999999999999999999", true)]
        {
            assert_eq!(TestTimeout::parse(bad, in_minutes), Err(TestTimeoutError::OutOfBounds), "{bad}");
        }
        assert!(serde_json::from_str::<TestTimeout>("0").is_err());
    }

    #[test]
    fn whole_minutes_are_told_as_such() {
        let told = |secs| TestTimeout::from_secs(secs).unwrap().to_string();
        assert_eq!((told(300), told(90)), ("5 min".to_owned(), "90 s".to_owned()));
    }
}
