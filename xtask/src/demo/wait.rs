//! Waiting until something is there.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::LOOK_EVERY;
use super::stop::Stop;
use super::supervisor::Supervisor;

/// How long each step may take before something is wrong. A machine that is busy with something else is slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// Looks again and again until `look` finds what it looks for; what is missing is told when patience ends.
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

/// Waits until a program has said in its log where it is to be found, on a line that starts so.
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

/// The rest of a line that starts so, once it is whole.
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
