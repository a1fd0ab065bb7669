//! `cargo xtask reference`: the pages of the book that the programs and their files write themselves.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::build::{self, Built};
use crate::places::Places;
use crate::run;

/// Builds the programs, and writes the pages.
pub(crate) fn write(places: &Places) -> Result<bool> {
    for (path, text) in pages(places)? {
        fs::write(places.root.join(path), text).with_context(|| format!("cannot write {path}"))?;
        println!("{path}");
    }
    Ok(true)
}

/// Fails if a page is not what its program says.
pub(crate) fn check(places: &Places) -> Result<()> {
    for (path, text) in pages(places)? {
        let there = fs::read_to_string(places.root.join(path)).unwrap_or_default();
        ensure!(there == text, "{path} is not up to date: run `cargo xtask reference`");
    }
    Ok(())
}

/// The path and the text of each page.
fn pages(places: &Places) -> Result<[(&'static str, String); 3]> {
    build::programs(places)?;
    let built = Built::find(places)?;
    Ok([
        ("docs/reference/backstay-server.md", command_line("backstay-server", &built.server)?),
        ("docs/reference/backstay-agent.md", command_line("backstay-agent", &built.agent)?),
        ("docs/reference/agent-toml.md", configuration(places)?),
    ])
}

const MADE: &str = "Made by `cargo xtask reference`; a test compares the two.";

fn command_line(name: &str, program: &Path) -> Result<String> {
    let mut text = format!("# {name}\n\nEvery command and option, as `{name} --help` prints them. {MADE}\n");
    add_help(&mut text, name, program, &[])?;
    Ok(text)
}

/// Adds the help of a command, and of each command below it.
fn add_help(text: &mut String, name: &str, program: &Path, words: &[&str]) -> Result<()> {
    // Without variables, whose values clap would show.
    let help = run::read(Command::new(program).args(words).arg("--help").env_clear())?;
    let trimmed: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    let title = [&[name], words].concat().join(" ");
    write!(text, "\n## {title}\n\n```text\n{}\n```\n", trimmed.join("\n"))?;
    for command in commands(&help) {
        add_help(text, name, program, &[words, &[command]].concat())?;
    }
    Ok(())
}

/// The commands that a help lists, without `help` itself.
fn commands(help: &str) -> Vec<&str> {
    let list =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").collect()
}

fn configuration(places: &Places) -> Result<String> {
    let file = "agent/backstay-agent.example.toml";
    let example =
        fs::read_to_string(places.root.join(file)).with_context(|| format!("cannot read {file}"))?;
    Ok(format!(
        "# agent.toml\n\nEvery key of the agent's configuration with its default, from [`{file}`](../../{file}). The modules write \
         this file from [their options](../nix-options.md#the-agent-servicesbackstay-agent), which have the same names. {MADE}\n\n\
         ```toml\n{}\n```\n",
        example.trim_end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_from_the_help() {
        let help = "Does it\n\nUsage: x <COMMAND>\n\nCommands:\n  serve   Serves, until it is\n          stopped\n  people  \
                    Lists\n  help    Print this\n\nOptions:\n  -h, --help  Print help\n";
        assert_eq!(commands(help), ["serve", "people"]);
        assert!(commands("Usage: x\n\nOptions:\n  -h\n").is_empty());
    }
}
