//! The clock.

use std::time::Duration;

use super::Found;
use crate::command::{self, Invocation};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The clock is in step, if the host has a service that keeps it so.
pub(super) fn in_step() -> Found {
    let asks = Invocation::new(
        &["timedatectl".to_owned()],
        ["show", "--property=NTP", "--property=NTPSynchronized"],
    );
    match command::read(&asks, TIMEOUT) {
        Ok(text) => judge(&text),
        Err(why) => Found::Well(format!("The clock's service cannot be asked, so nothing is known: {why}.")),
    }
}

fn judge(text: &str) -> Found {
    let is = |line: &str| text.lines().any(|found| found == line);
    match (is("NTP=yes"), is("NTPSynchronized=yes")) {
        (_, true) => Found::Well("The clock is in step.".to_owned()),
        (true, false) => Found::NotYet("The clock is not in step with its time servers.".to_owned()),
        (false, false) => Found::Well("No service keeps this clock in step, so nothing is known.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_service_that_has_not_done_its_work_fails() {
        assert!(matches!(judge("NTP=yes\nNTPSynchronized=yes\n"), Found::Well(_)));
        assert!(matches!(judge("NTP=yes\nNTPSynchronized=no\n"), Found::NotYet(_)));
        assert!(matches!(judge("NTP=no\nNTPSynchronized=no\n"), Found::Well(_)));
        assert!(matches!(judge(""), Found::Well(_)));
    }
}
