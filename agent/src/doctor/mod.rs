//! `backstay-agent doctor`: checks what a rollback and a switch need on this host, before they are needed.
//!
//! It reads and asks, and changes nothing. Each finding says what was found and, if that is not well, what to do.

mod host;
mod programs;
mod server;
mod unit;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::permissions;

/// What was found about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    level: Level,
    about: &'static str,
    what: String,
    to_do: Option<String>,
}

/// How well it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Fine,
    /// It works; something is missing or will be.
    Warning,
    /// An op would fail.
    Broken,
}

impl Finding {
    fn fine(about: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Fine, about, what: what.into(), to_do: None }
    }

    fn warning(about: &'static str, what: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { level: Level::Warning, about, what: what.into(), to_do: Some(to_do.into()) }
    }

    fn broken(about: &'static str, what: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { level: Level::Broken, about, what: what.into(), to_do: Some(to_do.into()) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Fine => "ok",
            Level::Warning => "warning",
            Level::Broken => "BROKEN",
        };
        write!(f, "{level:<8} {:<14} {}", self.about, self.what)?;
        self.to_do.as_ref().map_or(Ok(()), |to_do| write!(f, "\n{:23} To do: {to_do}", ""))
    }
}

/// Examines the host, prints each finding, and returns whether nothing is broken. `unit` is the agent's systemd service.
///
/// # Errors
/// If the server cannot be asked because this process cannot use the network at all.
pub(crate) fn run(file: &Path, config: &Arc<Config>, unit: &str) -> anyhow::Result<bool> {
    let mut findings = vec![obeyed(file, config)];
    let service = unit::Service::read(config, unit);
    findings.extend(service.findings());
    findings.extend(programs::findings(config, &service));
    findings.extend(host::findings(config));
    findings.extend(server::findings(config)?);
    for finding in &findings {
        println!("{finding}");
    }
    println!("{}", sum(&findings));
    Ok(findings.iter().all(|finding| finding.level < Level::Broken))
}

/// What nobody else may write.
fn obeyed(file: &Path, config: &Config) -> Finding {
    const ABOUT: &str = "Configuration";
    match permissions::check(file, config) {
        Ok(()) => Finding::fine(
            ABOUT,
            format!("{}; only root and this user can write what the agent obeys", file.display()),
        ),
        Err(why) => {
            Finding::broken(ABOUT, why.to_string(), "As it says; the agent does not start before that.")
        }
    }
}

/// The last line.
fn sum(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    match (count(Level::Broken), count(Level::Warning)) {
        (0, 0) => "Everything that a rollback and a switch need is there.".to_owned(),
        (0, warnings) => format!("Nothing is broken. Warnings: {warnings}."),
        (broken, warnings) => format!("Broken: {broken}. Warnings: {warnings}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_what_to_do() {
        let finding = Finding::broken("nix-env", "not in PATH", "Add it.");
        assert_eq!(
            finding.to_string(),
            "BROKEN   nix-env        not in PATH\n                        To do: Add it."
        );
        assert_eq!(Finding::fine("Server", "it answers").to_string(), "ok       Server         it answers");
    }

    #[test]
    fn the_last_line_counts_what_is_not_well() {
        let fine = Finding::fine("Server", "it answers");
        let warning = Finding::warning("Tests", "none", "Write some.");
        let broken = Finding::broken("Profile", "none", "Make one.");
        assert_eq!(
            sum(std::slice::from_ref(&fine)),
            "Everything that a rollback and a switch need is there."
        );
        assert_eq!(sum(&[fine.clone(), warning.clone()]), "Nothing is broken. Warnings: 1.");
        assert_eq!(sum(&[fine, warning, broken]), "Broken: 1. Warnings: 1.");
    }
}
