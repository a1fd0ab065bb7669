//! Checks the release page's files against their budget.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::counts::Counts;
use crate::build::{self, Release};
use crate::places::Places;

/// The file with the budget.
const BUDGET: &str = "testing/bench/budget.toml";

/// The page's files by name, in bytes.
type Sizes = BTreeMap<String, u64>;

/// Builds the page for release, and checks each file against the budget.
pub(super) fn test(places: &Places) -> Result<Counts> {
    let text =
        fs::read_to_string(places.root.join(BUDGET)).with_context(|| format!("cannot read {BUDGET}"))?;
    let budget = budget(&text)?;
    build::release_page(places)?;
    let sizes = sent(&Release::find(places)?.site.join("pkg"), &budget)?;
    let over = over(&sizes, &budget);
    for (name, size) in &sizes {
        println!("{name}: {size} bytes of {} as sent", budget[name]);
    }
    if !over.is_empty() {
        bail!("{}", over.join("\n    "));
    }
    Ok(Counts { passed: sizes.len() as u64, ..Counts::default() })
}

fn budget(text: &str) -> Result<Sizes> {
    let budget: Sizes = toml::from_str(text).with_context(|| format!("{BUDGET} is invalid"))?;
    if budget.is_empty() {
        bail!("{BUDGET} names no file");
    }
    Ok(budget)
}

/// Returns the sizes of the budget's files, compressed as sent.
fn sent(pkg: &Path, budget: &Sizes) -> Result<Sizes> {
    let size = |name: &String| {
        let file = pkg.join(format!("{name}.br"));
        let size = fs::metadata(&file).with_context(|| format!("cannot read {}", file.display()))?.len();
        anyhow::Ok((name.clone(), size))
    };
    budget.keys().map(size).collect()
}

/// Returns a sentence for each file over its budget.
fn over(sizes: &Sizes, budget: &Sizes) -> Vec<String> {
    let over = |(name, size): (&String, &u64)| {
        let may = budget.get(name).copied().unwrap_or_default();
        let more = size.checked_sub(may).filter(|more| *more > 0)?;
        Some(format!(
            "{name} is {size} bytes as sent, {more} more than its budget of {may}. Make it smaller, or, if \
             the growth is worth it, set `\"{name}\" = {}` in {BUDGET}.",
            with_some_room(*size)
        ))
    };
    sizes.iter().filter_map(over).collect()
}

/// Adds three per cent, rounded up: small changes need no new budget.
fn with_some_room(size: u64) -> u64 {
    (size + size * 3 / 100).div_ceil(100) * 100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(of: &[(&str, u64)]) -> Sizes {
        of.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
    }

    #[test]
    fn what_is_within_its_budget_is_not_told() {
        let budget = sizes(&[("a.wasm", 1_000), ("a.css", 50)]);
        assert!(over(&sizes(&[("a.wasm", 1_000), ("a.css", 7)]), &budget).is_empty());
    }

    #[test]
    fn what_grew_is_told_with_what_to_do() {
        let budget = sizes(&[("a.wasm", 1_000), ("a.css", 50)]);
        let told = over(&sizes(&[("a.wasm", 1_001), ("a.css", 50)]), &budget);
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("a.wasm is 1001 bytes as sent, 1 more than its budget of 1000"),
            "{}",
            told[0]
        );
        assert!(told[0].contains("set `\"a.wasm\" = 1100` in"), "{}", told[0]);
    }

    #[test]
    fn a_file_that_is_missing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let budget = sizes(&[("a.wasm", 1_000)]);
        assert!(sent(folder.path(), &budget).unwrap_err().to_string().contains("a.wasm.br"));
        fs::write(folder.path().join("a.wasm.br"), "12345").unwrap();
        assert_eq!(sent(folder.path(), &budget).unwrap(), sizes(&[("a.wasm", 5)]));
    }

    #[test]
    fn the_budget_is_one() {
        let text = include_str!("../../../testing/bench/budget.toml");
        assert!(budget(text).unwrap().contains_key("backstay.wasm"));
        assert!(budget("").is_err());
        assert!(budget("\"a\" = \"large\"").is_err());
    }
}
