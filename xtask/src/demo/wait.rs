//! Waiting for a condition.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::LOOK_EVERY;
use super::stop::Stop;
use super::supervisor::Supervisor;

/// Time that each step may take. A busy machine is slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// Repeats `look` until it succeeds; on a timeout, the error says what is missing.
pub(crate) fn wait_for<T>(
    supervisor: &mut Supervisor,
    stop: &Stop,
    mut look: impl FnMut() -> Result<Result<T, String>>,
) -> Result<T> {
    let patience = Instant::now() + PATIENCE;
    loop {
        stop.check()?;
        supervisor.check()?;
        match look()? {
            Ok(found) => return Ok(found),
            Err(missing) if Instant::now() > patience => {
                bail!("not ready after {} s: {missing}", PATIENCE.as_secs())
            }
            Err(_) => thread::sleep(LOOK_EVERY),
        }
    }
}

/// Waits until a program has printed its address to its log, on a line with this prefix.
pub(crate) fn wait_for_address(
    supervisor: &mut Supervisor,
    stop: &Stop,
    log: &Path,
    start: &str,
) -> Result<String> {
    wait_for(supervisor, stop, || {
        let said = said(&fs::read_to_string(log)?, start);
        Ok(said.ok_or_else(|| format!("{} does not say “{start}”", log.display())))
    })
}

/// Returns the rest of the line with this prefix, once the line is complete.
fn said(log: &str, start: &str) -> Option<String> {
    let complete = log.rsplit_once('\n')?.0;
    complete.lines().find_map(|line| line.strip_prefix(start)).map(|rest| rest.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_once_its_line_is_whole() {
        let log = "INFO starting\nlistening on http://127.0.0.1:7340\nINFO more";
        assert_eq!(said(log, "listening on ").as_deref(), Some("http://127.0.0.1:7340"));
        assert_eq!(said("INFO starting\nlistening on http://127.0.0.1:73", "listening on "), None);
        assert_eq!(said("", "listening on "), None);
    }
}
