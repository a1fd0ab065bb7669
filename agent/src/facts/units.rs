//! Units that systemd reports as failed.

use std::time::Duration;

use backstay_model::Platform;

use crate::command::{self, Invocation};
use crate::config::Config;
use crate::probe::LIST_FAILED;
use crate::systemd;

/// Time limit for an answer of systemd.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bound on the units named.
const MOST: usize = 50;

/// Returns the failed units, or none on a host without systemd.
pub(super) fn failed(config: &Config) -> Result<Vec<String>, String> {
    if config.platform != Platform::Nixos || !systemd::is_running() {
        return Ok(vec![]);
    }
    command::read(&Invocation::new(&config.commands.systemctl, LIST_FAILED), TIMEOUT)
        .map(|text| names(&text))
        .map_err(|why| format!("Failed units could not be read: {why}."))
}

fn names(listed: &str) -> Vec<String> {
    listed.lines().filter_map(|line| line.split_whitespace().next()).take(MOST).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_column_is_the_name() {
        let listed = "gpu.service            loaded failed failed The GPU\nx.mount loaded failed failed X\n";
        assert_eq!(names(listed), ["gpu.service", "x.mount"]);
        assert!(names("").is_empty());
    }
}
