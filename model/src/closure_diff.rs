//! The difference between two builds: packages added, removed or changed.
//!
//! The format is what `nix store diff-closures OLD NEW` prints, a line for each package whose versions or
//! size changed:
//!
//! ```text
//! firefox: 122.0 → 123.0.1, +2400.0 KiB
//! zlib: 1.3 → ∅, -20.5 KiB
//! x11: ∅ → ε, +9.5 KiB
//! unit-foo.service: +59.0 KiB
//! ```
//!
//! `∅` means that this side has no version beyond those on both sides, so it does not mean that the package
//! is new. `ε` is a store path without a version. Nix prints sizes from 8 KiB up, in colour if it takes its
//! output for a terminal. <https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-store-diff-closures>

use serde::{Deserialize, Serialize};

/// Upper bound on the packages of a comparison; the rest are counted.
pub const PACKAGES: usize = 2000;
/// Upper bound on a name or version, in bytes; lines with a longer one are skipped.
pub(crate) const WORD_BYTES: usize = 200;

/// The difference between two builds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosureDiff {
    /// The packages, by name, as Nix orders them.
    pub packages: Vec<PackageChange>,
    /// Number of omitted lines: those beyond [`PACKAGES`] and those that could not be parsed.
    pub left_out: u32,
}

/// One package that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageChange {
    /// Its name.
    pub name: String,
    /// The versions that only the first build has; an empty text is a store path without a version.
    pub removed: Vec<String>,
    /// The versions that only the second build has.
    pub added: Vec<String>,
    /// Growth in bytes, as precise as Nix prints it; 0 below 8 KiB.
    pub bytes: i64,
}

/// How a package changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Versions were added, none removed.
    Added,
    /// Versions were removed, none added.
    Removed,
    /// Versions were replaced by others.
    Changed,
    /// The same versions with another size.
    Resized,
}

impl PackageChange {
    /// How it changed.
    pub fn change(&self) -> Change {
        match (self.removed.is_empty(), self.added.is_empty()) {
            (true, true) => Change::Resized,
            (true, false) => Change::Added,
            (false, true) => Change::Removed,
            (false, false) => Change::Changed,
        }
    }
}

impl ClosureDiff {
    /// Parses the output of Nix. Lines of another form are counted and omitted.
    pub fn parse(text: &str) -> Self {
        let mut diff = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match package(&plain(line)) {
                Some(package) if diff.packages.len() < PACKAGES => diff.packages.push(package),
                _ => diff.left_out = diff.left_out.saturating_add(1),
            }
        }
        diff
    }

    /// Total growth in bytes.
    pub fn bytes(&self) -> i64 {
        self.packages.iter().fold(0, |sum, package| sum.saturating_add(package.bytes))
    }
}

/// The line without its colours: ECMA-48 control sequences, `ESC [ … letter`.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(char);
        }
    }
    text
}

fn package(line: &str) -> Option<PackageChange> {
    let (name, what) = line.trim().split_once(": ")?;
    if name.is_empty() || name.len() > WORD_BYTES {
        return None;
    }
    let (versions, bytes) = match what.rsplit_once(", ") {
        // A list of versions has commas too.
        Some((versions, size)) if bytes(size).is_some() => (Some(versions), bytes(size)?),
        _ => bytes(what).map_or((Some(what), 0), |bytes| (None, bytes)),
    };
    let (removed, added) = match versions {
        Some(versions) => versions.split_once(" → ")?,
        None => ("∅", "∅"),
    };
    Some(PackageChange { name: name.to_owned(), removed: list(removed)?, added: list(added)?, bytes })
}

fn list(versions: &str) -> Option<Vec<String>> {
    if versions == "∅" {
        return Some(Vec::new());
    }
    let version = |text: &str| match text {
        "ε" => Some(String::new()),
        _ if text.is_empty() || text.len() > WORD_BYTES => None,
        _ => Some(text.to_owned()),
    };
    versions.split(", ").map(version).collect()
}

/// A size with its sign and unit, such as `+2400.0 KiB`, in bytes.
fn bytes(text: &str) -> Option<i64> {
    let (number, unit) = text.split_once(' ')?;
    let factor: i64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    let (sign, digits) = match number.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (whole, tenth) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(tenth) {
        return None;
    }
    let tenth: i64 = tenth.get(..1)?.parse().ok()?;
    let tenths = whole.parse::<i64>().ok()?.checked_mul(10)?.checked_add(tenth)?;
    Some(sign * tenths.checked_mul(factor)? / 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Change::{Added, Changed, Removed, Resized};
    use super::*;

    /// Output of Nix 2.8 for two real closures, with its colours.
    const PRINTED: &str = "firefox: 122.0 → 123.0.1, \u{1b}[31;1m+2400.0 KiB\u{1b}[0m
glibc: 2.38-27 → 2.39-5, \u{1b}[31;1m+20.0 KiB\u{1b}[0m
linux: ∅ → 6.6.8, \u{1b}[31;1m+90.5 KiB\u{1b}[0m
nixos-system-a: 24.05 → 24.11
unit-foo.service: \u{1b}[31;1m+59.0 KiB\u{1b}[0m
x11: ∅ → ε, \u{1b}[31;1m+9.5 KiB\u{1b}[0m
zlib: 1.3 → ∅, \u{1b}[32;1m-20.5 KiB\u{1b}[0m
";

    fn of(name: &str, removed: &[&str], added: &[&str], bytes: i64) -> PackageChange {
        let owned = |versions: &[&str]| versions.iter().map(|&v| v.to_owned()).collect();
        PackageChange { name: name.to_owned(), removed: owned(removed), added: owned(added), bytes }
    }

    #[test]
    fn output_of_nix_is_parsed() {
        let diff = ClosureDiff::parse(PRINTED);
        assert_eq!(
            diff.packages,
            [
                of("firefox", &["122.0"], &["123.0.1"], 2400 * 1024),
                of("glibc", &["2.38-27"], &["2.39-5"], 20 * 1024),
                of("linux", &[], &["6.6.8"], 90 * 1024 + 512),
                of("nixos-system-a", &["24.05"], &["24.11"], 0),
                of("unit-foo.service", &[], &[], 59 * 1024),
                of("x11", &[], &[""], 9 * 1024 + 512),
                of("zlib", &["1.3"], &[], -(20 * 1024 + 512)),
            ]
        );
        assert_eq!(diff.left_out, 0);
        let changes: Vec<_> = diff.packages.iter().map(PackageChange::change).collect();
        assert_eq!(changes, [Changed, Changed, Added, Changed, Resized, Added, Removed]);
    }

    #[test]
    fn several_versions_and_larger_units() {
        let diff =
            ClosureDiff::parse("python3: 3.10.1, 3.11.2 → 3.11.3, ε, +1.5 MiB\nperl: 5.36, 5.38 → 5.40\n");
        assert_eq!(
            diff.packages,
            [
                of("python3", &["3.10.1", "3.11.2"], &["3.11.3", ""], 3 * 1024 * 1024 / 2),
                of("perl", &["5.36", "5.38"], &["5.40"], 0),
            ]
        );
        assert_eq!(diff.bytes(), 3 * 1024 * 1024 / 2);
    }

    #[test]
    fn other_lines_are_counted() {
        let diff = ClosureDiff::parse("warning: something\nerror\nzlib: 1 → 2\n: 1 → 2\nx: 1 →\n");
        assert_eq!((diff.packages.len(), diff.left_out), (1, 4));
        let many = "a: 1 → 2\n".repeat(PACKAGES + 3);
        let diff = ClosureDiff::parse(&many);
        assert_eq!((diff.packages.len(), diff.left_out), (PACKAGES, 3));
    }

    fn printed(package: &PackageChange) -> String {
        let side = |versions: &[String]| match versions {
            [] => "∅".to_owned(),
            some => some.iter().map(|v| if v.is_empty() { "ε" } else { v }).collect::<Vec<_>>().join(", "),
        };
        let mut items = Vec::new();
        if package.change() != Change::Resized {
            items.push(format!("{} → {}", side(&package.removed), side(&package.added)));
        }
        if package.bytes != 0 || items.is_empty() {
            let sign = if package.bytes < 0 { '-' } else { '+' };
            items.push(format!("{sign}{}.0 KiB", package.bytes.abs() / 1024));
        }
        format!("{}: {}\n", package.name, items.join(", "))
    }

    fn package() -> impl Strategy<Value = PackageChange> {
        let versions = || proptest::collection::vec("|[0-9]{1,2}[.][0-9a-z-]{1,6}", 0..3);
        ("[a-z][a-z0-9+._-]{0,20}", versions(), versions(), -9_000_i64..9_000)
            .prop_map(|(name, removed, added, kib)| PackageChange { name, removed, added, bytes: kib * 1024 })
    }

    proptest! {
        #[test]
        fn printed_packages_are_parsed_back(packages in proptest::collection::vec(package(), 0..20)) {
            let text: String = packages.iter().map(printed).collect();
            prop_assert_eq!(ClosureDiff::parse(&text), ClosureDiff { packages, left_out: 0 });
        }

        #[test]
        fn no_text_is_too_much(text in ".{0,400}") {
            let _ = ClosureDiff::parse(&text);
        }
    }
}
