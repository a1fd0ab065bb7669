//! The changes in an update of `flake.lock`: which inputs, from which revision to which.
//!
//! The format is that of Nix's `flake lock` (version 7; 5 and 6 have the same fields): `nodes` by name, each
//! with `locked` and `inputs`, and `root`, the name of the node that is the flake itself. An input is the
//! name of a node, or a path of inputs that it follows.
//! <https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#lock-files>

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Upper bound on a lock file, in bytes. Large fleets have some hundred kilobytes.
pub const LOCK_BYTES: usize = 4 * 1024 * 1024;

/// The pinned revision of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The revision, or the hash of the content if there is no revision.
    pub revision: String,
    /// When the revision was last modified.
    pub modified: Option<DateTime<Utc>>,
}

impl Pin {
    /// The revision as people write it: seven characters of a commit, or the start of a hash.
    pub fn short(&self) -> String {
        let name = self.revision.strip_prefix("sha256-").unwrap_or(&self.revision);
        name.chars().take(7).collect()
    }
}

/// A change of one flake input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputChange {
    /// Its name in the flake.
    pub name: String,
    /// The old pin; `None` if the input is new.
    pub from: Option<Pin>,
    /// The new pin; `None` if the input is gone.
    pub to: Option<Pin>,
    /// The page that shows what lies between the two, if the input comes from GitHub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare: Option<String>,
}

/// Why a lock file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Over [`LOCK_BYTES`].
    #[error("flake.lock has {0} bytes; the limit is {LOCK_BYTES}")]
    TooLarge(usize),
    /// Not JSON, or not of this form.
    #[error("flake.lock cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    nodes: BTreeMap<String, Node>,
    #[serde(default = "root")]
    root: String,
}

fn root() -> String {
    "root".to_owned()
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    inputs: BTreeMap<String, serde_json::Value>,
    locked: Option<Locked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Locked {
    r#type: Option<String>,
    host: Option<String>,
    owner: Option<String>,
    repo: Option<String>,
    rev: Option<String>,
    nar_hash: Option<String>,
    last_modified: Option<i64>,
}

impl Locked {
    /// The address of its repository at GitHub. A lock file is text of a pull request, so its names are checked.
    fn repository(&self) -> Option<String> {
        let is_name = |text: &&String| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !text.starts_with('.') && text.bytes().all(is_plain)
        };
        let is_github = self.r#type.as_deref() == Some("github") && self.host.is_none();
        let (owner, repo) = (self.owner.as_ref().filter(is_name)?, self.repo.as_ref().filter(is_name)?);
        is_github.then(|| format!("https://github.com/{owner}/{repo}"))
    }

    fn commit(&self) -> Option<&str> {
        self.rev.as_deref().filter(|rev| rev.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}

/// The page that shows what lies between two pins of the same repository.
fn compare(old: &Locked, new: &Locked) -> Option<String> {
    let repository = new.repository().filter(|new| old.repository().as_ref() == Some(new))?;
    Some(format!("{repository}/compare/{}...{}", old.commit()?, new.commit()?))
}

impl Lock {
    fn read(text: &str) -> Result<Self, LockError> {
        if text.len() > LOCK_BYTES {
            return Err(LockError::TooLarge(text.len()));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The pins of the flake's own inputs. An input that follows another flake's input is left to that flake.
    fn pins(&self) -> BTreeMap<&str, Pin> {
        let inputs = self.nodes.get(&self.root).map(|node| node.inputs.keys());
        inputs
            .into_iter()
            .flatten()
            .filter_map(|name| Some((name.as_str(), Self::pin(self.locked(name)?)?)))
            .collect()
    }

    /// The lock of one of the flake's own inputs.
    fn locked(&self, name: &str) -> Option<&Locked> {
        let node = self.nodes.get(&self.root)?.inputs.get(name)?.as_str()?;
        self.nodes.get(node)?.locked.as_ref()
    }

    fn pin(locked: &Locked) -> Option<Pin> {
        Some(Pin {
            revision: locked.rev.clone().or_else(|| locked.nar_hash.clone())?,
            modified: locked.last_modified.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        })
    }
}

/// The inputs that differ between two lock files, by name. A missing file is an empty text.
///
/// # Errors
/// [`LockError`] if one of them cannot be read.
pub fn changes(old: &str, new: &str) -> Result<Vec<InputChange>, LockError> {
    let read = |text: &str| Lock::read(if text.trim().is_empty() { "{}" } else { text });
    let (old, new) = (read(old)?, read(new)?);
    let (old_lock, new_lock) = (old, new);
    let (old, new) = (old_lock.pins(), new_lock.pins());
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let change = |name: &&str| InputChange {
        name: (*name).to_owned(),
        from: old.get(*name).cloned(),
        to: new.get(*name).cloned(),
        compare: old_lock.locked(name).zip(new_lock.locked(name)).and_then(|(old, new)| compare(old, new)),
    };
    Ok(names.into_iter().map(change).filter(|change| change.from != change.to).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A lock file with these inputs and revisions.
    fn lock(inputs: &[(&str, &str)]) -> String {
        let mut nodes: serde_json::Map<_, _> = inputs
            .iter()
            .map(|(name, rev)| {
                let locked = serde_json::json!({"type": "github", "rev": rev, "lastModified": 1_700_000_000});
                (format!("{name}_2"), serde_json::json!({"locked": locked, "original": {}}))
            })
            .collect();
        let inputs: serde_json::Map<_, _> =
            inputs.iter().map(|(name, _)| ((*name).to_owned(), format!("{name}_2").into())).collect();
        nodes.insert("root".to_owned(), serde_json::json!({"inputs": inputs}));
        serde_json::json!({"nodes": nodes, "root": "root", "version": 7}).to_string()
    }

    #[test]
    fn changes_name_both_revisions() {
        let old = lock(&[("nixpkgs", "aaaaaaaaaa"), ("home-manager", "same"), ("gone", "x")]);
        let new = lock(&[("nixpkgs", "bbbbbbbbbb"), ("home-manager", "same"), ("new", "y")]);
        let changes = changes(&old, &new).unwrap();
        let shown: Vec<_> = changes
            .iter()
            .map(|c| (c.name.as_str(), c.from.as_ref().map(Pin::short), c.to.as_ref().map(Pin::short)))
            .collect();
        assert_eq!(
            shown,
            [
                ("gone", Some("x".into()), None),
                ("new", None, Some("y".into())),
                ("nixpkgs", Some("aaaaaaa".into()), Some("bbbbbbb".into())),
            ]
        );
    }

    #[test]
    fn inputs_without_a_revision_have_their_hash_and_followers_are_skipped() {
        let text = |hash: &str| {
            format!(
                r#"{{"nodes":{{"t":{{"locked":{{"type":"tarball","narHash":"sha256-{hash}"}}}},
                "root":{{"inputs":{{"t":"t","n":["t","nixpkgs"]}}}}}},"root":"root","version":7}}"#
            )
        };
        let changes = changes(&text("AAAAAAAAAA"), &text("BBBBBBBBBB")).unwrap();
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].to.as_ref().unwrap().short(), "BBBBBBB");
    }

    #[test]
    fn an_input_from_github_has_a_page_that_compares_both() {
        let compare = |old: &str, new: &str| {
            let text = |locked: &str| {
                format!(
                    r#"{{"nodes":{{"n":{{"locked":{{{locked}}}}},"root":{{"inputs":{{"n":"n"}}}}}},"root":"root","version":7}}"#
                )
            };
            changes(&text(old), &text(new)).unwrap().remove(0).compare
        };
        let at = |rev: &str, more: &str| format!(r#""type":"github","repo":"nixpkgs","rev":"{rev}"{more}"#);
        let nixos = r#","owner":"NixOS""#;
        assert_eq!(
            compare(&at("aa11", nixos), &at("bb22", nixos)).as_deref(),
            Some("https://github.com/NixOS/nixpkgs/compare/aa11...bb22")
        );
        for (old, new) in [
            (at("aa11", nixos), at("bb22", r#","owner":"fork""#)),
            (at("aa11", nixos), at("bb22/../..", nixos)),
            (at("aa11", r#","owner":"../x""#), at("bb22", r#","owner":"../x""#)),
            (at("aa11", nixos), at("bb22", r#","owner":"NixOS","host":"git.example.org""#)),
            (at("aa11", "").replace("github", "gitlab"), at("bb22", "").replace("github", "gitlab")),
        ] {
            assert_eq!(compare(&old, &new), None, "{new}");
        }
    }

    #[test]
    fn a_lock_file_may_come_and_go() {
        let some = lock(&[("nixpkgs", "a")]);
        assert_eq!(changes("", &some).unwrap().len(), 1);
        assert_eq!(changes(&some, "").unwrap().len(), 1);
        assert_eq!(changes("", "").unwrap(), []);
    }

    #[test]
    fn other_files_are_rejected() {
        assert!(matches!(changes("<<<<<<< HEAD", ""), Err(LockError::Malformed(_))));
        assert!(matches!(changes("", &"x".repeat(LOCK_BYTES + 1)), Err(LockError::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer_or_an_error(old in ".{0,200}", new in ".{0,200}") {
            let _ = changes(&old, &new);
        }

        #[test]
        fn there_and_back_is_the_same_the_other_way_round(
            old in proptest::collection::btree_map("[a-c]", "[xyz]", 0..4),
            new in proptest::collection::btree_map("[a-c]", "[xyz]", 0..4),
        ) {
            let text = |of: &BTreeMap<String, String>| {
                lock(&of.iter().map(|(name, rev)| (name.as_str(), rev.as_str())).collect::<Vec<_>>())
            };
            let there = changes(&text(&old), &text(&new)).unwrap();
            let back = changes(&text(&new), &text(&old)).unwrap();
            let turned: Vec<_> = back
                .into_iter()
                .map(|c| InputChange { name: c.name, from: c.to, to: c.from, compare: c.compare })
                .collect();
            prop_assert_eq!(&there, &turned);
            prop_assert_eq!(there.is_empty(), old == new);
        }
    }
}
