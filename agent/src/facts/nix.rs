//! The Nix of the host.

use std::time::Duration;

use backstay_model::wire::limits::cut;

use crate::command::{self, Invocation};
use crate::config::Config;

/// Time limit for its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bound on the version's length, in bytes.
const MOST: usize = 80;

/// Returns “Nix 2.31.2”, “Lix, like Nix 2.91.1” and so on, or `None` if no Nix answers. Whatever needs Nix
/// reports that itself.
pub(super) fn version(config: &Config) -> Option<String> {
    let said = command::read(&Invocation::new(&config.commands.nix, ["--version"]), TIMEOUT).ok()?;
    named(&said)
}

/// Strips the program's name and the brackets from `nix (Nix) 2.31.2`.
fn named(said: &str) -> Option<String> {
    let line = said.lines().next()?.trim();
    let words = match line.strip_prefix("nix (").and_then(|rest| rest.split_once(") ")) {
        Some((kind, version)) => format!("{kind} {version}"),
        None => line.to_owned(),
    };
    Some(cut(&words, MOST)).filter(|words| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_nix_names_itself() {
        for (said, named_so) in [
            ("nix (Nix) 2.31.2\n", Some("Nix 2.31.2")),
            ("nix (Lix, like Nix) 2.91.1\nSystem type: x86_64-linux\n", Some("Lix, like Nix 2.91.1")),
            ("nix (Determinate Nix 3.8.0) 2.30.1\n", Some("Determinate Nix 3.8.0 2.30.1")),
            ("something else\n", Some("something else")),
            ("\n", None),
            ("", None),
        ] {
            assert_eq!(named(said).as_deref(), named_so, "{said}");
        }
        assert!(named(&"x".repeat(500)).is_some_and(|named| named.len() <= MOST));
    }
}
