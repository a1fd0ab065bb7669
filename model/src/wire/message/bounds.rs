//! Checks an agent's messages against the limits.

use super::{AgentMessage, OpResult};
use crate::closure_diff::{ClosureDiff, PACKAGES, WORD_BYTES};
use crate::comparison::{BootPart, COMMITS, Commits, Comparison, Pair, SUBJECT_BYTES, UNITS, UnitChanges};
use crate::wire::limits::{
    FAILED_UNITS, GENERATIONS, HASH_BYTES, INHIBITORS, JOURNAL_OPS, LINE_BYTES, LINES_PER_MESSAGE,
    LINES_PER_OP, PACKAGE_VERSIONS, PATH_BYTES, PROBLEM_BYTES, PROBLEMS, RESULT_BYTES, SPECIALISATIONS,
    STORE_PATH_BYTES, TEST_NAME_BYTES, TEST_RUNS, TEST_TAIL_BYTES, TEST_TAIL_LINES, TESTS, UNIT_BYTES,
    VERSION_BYTES, cut, cut_line, is_host_name,
};
use crate::{Commit, Facts, Generation, NoCheckout, OutputLine, TestRun};

/// The broken limit.
type Broken = &'static str;

/// Cuts descriptions.
pub(super) fn cut_message(message: &mut AgentMessage) {
    match message {
        AgentMessage::Hello(hello) => shorten_line(&mut hello.agent_version, VERSION_BYTES),
        AgentMessage::Facts { facts } => facts.cut_to_limits(),
        AgentMessage::Finished { result, facts, .. } => {
            shorten(&mut result.message, RESULT_BYTES);
            facts.cut_to_limits();
        }
        AgentMessage::Compared { comparison, .. } => cut_comparison(comparison),
        AgentMessage::Journal { .. }
        | AgentMessage::Accepted { .. }
        | AgentMessage::Progress { .. }
        | AgentMessage::Output { .. } => {}
    }
}

/// Checks identifiers, and numbers that the agent assigns.
pub(super) fn check(message: &AgentMessage) -> Result<(), Broken> {
    match message {
        AgentMessage::Hello(hello) => {
            ensure(is_host_name(&hello.name), "a host's name is letters, digits and hyphens, at most 63")
        }
        AgentMessage::Journal { ops, damaged } => {
            ensure(ops.len() + damaged.len() <= JOURNAL_OPS, "a journal with too many ops")
        }
        AgentMessage::Facts { facts } => check_facts(facts),
        AgentMessage::Output { lines, .. } => check_lines(lines),
        AgentMessage::Finished { result, facts, .. } => {
            check_result(result)?;
            check_facts(facts)
        }
        AgentMessage::Compared { pair, comparison } => check_comparison(pair, comparison),
        AgentMessage::Accepted { .. } | AgentMessage::Progress { .. } => Ok(()),
    }
}

impl Facts {
    /// Cuts descriptions and lists to the limits. The agent does this before it sends facts, the server on
    /// receipt.
    pub fn cut_to_limits(&mut self) {
        keep_newest(&mut self.generations);
        self.generations.iter_mut().for_each(cut_generation);
        self.test_runs.truncate(TEST_RUNS);
        for result in self.test_runs.iter_mut().flat_map(|run| &mut run.results) {
            shorten_all(&mut result.tail, TEST_TAIL_LINES, TEST_TAIL_BYTES);
        }
        if let Some(tests) = &mut self.tests {
            tests.names.truncate(TESTS);
        }
        shorten_lines(&mut self.failed_units, FAILED_UNITS, UNIT_BYTES);
        shorten_all(&mut self.problems, PROBLEMS, PROBLEM_BYTES);
        for text in [&mut self.nix_version, &mut self.specialisation].into_iter().flatten() {
            shorten_line(text, VERSION_BYTES);
        }
        if let Some(flake) = &mut self.switch_flake {
            shorten_line(flake, PATH_BYTES);
        }
        if let Some(NoCheckout { path, why }) = &mut self.no_checkout {
            shorten_line(path, PATH_BYTES);
            if let Some(why) = why {
                shorten(why, PROBLEM_BYTES);
            }
        }
        let local = self.checkout.as_mut().and_then(|checkout| checkout.local.as_mut());
        if let Some(on) = local.and_then(|local| local.on.as_mut()) {
            shorten_line(on, VERSION_BYTES);
        }
    }
}

/// Keeps the newest generations, and the current one whatever its age.
fn keep_newest(generations: &mut Vec<Generation>) {
    let current = generations.iter().position(|g| g.current);
    if let Some(current) = current.filter(|&at| at >= GENERATIONS) {
        generations.swap(GENERATIONS - 1, current);
    }
    generations.truncate(GENERATIONS);
}

fn cut_generation(generation: &mut Generation) {
    for text in [&mut generation.version, &mut generation.kernel].into_iter().flatten() {
        shorten_line(text, VERSION_BYTES);
    }
    shorten_lines(&mut generation.inhibitors, INHIBITORS, UNIT_BYTES);
    shorten_lines(&mut generation.specialisations, SPECIALISATIONS, VERSION_BYTES);
}

fn check_facts(facts: &Facts) -> Result<(), Broken> {
    const PATH: Broken = "a path that is too long";
    let checkout = facts.checkout.as_ref();
    let paths = [&facts.profile].into_iter();
    let paths =
        paths.chain(checkout.map(|checkout| &checkout.path)).chain(facts.tests.as_ref().map(|t| &t.path));
    ensure(paths.into_iter().all(|path| path.len() <= PATH_BYTES), PATH)?;
    let builds = facts.generations.iter().map(|g| &g.store_path).chain(&facts.running).chain(&facts.booted);
    builds
        .chain(facts.test_runs.iter().map(|run| &run.generation.store_path))
        .try_for_each(|it| check_build(it))?;
    let commits = facts.generations.iter().flat_map(|g| [&g.commit, &g.tree]).flatten();
    let commits =
        commits.chain(checkout.into_iter().flat_map(|c| [Some(&c.commit), c.tree.as_ref()]).flatten());
    let upstream = checkout.and_then(|c| c.local.as_ref()).and_then(|local| local.upstream.as_ref());
    let commits = commits.chain(upstream);
    commits
        .map(|Commit(hash)| hash)
        .chain(checkout.and_then(|c| c.lock_hash.as_ref()))
        .try_for_each(|it| check_hash(it))?;
    let named = facts.tests.iter().flat_map(|tests| &tests.names);
    named.map(String::as_str).try_for_each(check_test_name)?;
    facts.test_runs.iter().try_for_each(check_run)
}

fn check_run(run: &TestRun) -> Result<(), Broken> {
    ensure(run.results.len() <= TESTS, "a test run with too many tests")?;
    run.results.iter().map(|result| result.name.as_str()).try_for_each(check_test_name)
}

fn check_result(result: &OpResult) -> Result<(), Broken> {
    result.commit.iter().try_for_each(|Commit(hash)| check_hash(hash))
}

fn check_lines(lines: &[OutputLine]) -> Result<(), Broken> {
    ensure(lines.len() <= LINES_PER_MESSAGE, "too many output lines in one message")?;
    ensure(lines.iter().all(|l| l.text.len() <= LINE_BYTES), "an output line that is too long")?;
    let kept = |line: &OutputLine| (1..=LINES_PER_OP).contains(&line.seq);
    ensure(lines.iter().all(kept), "an output line with an invalid number")
}

fn cut_comparison(comparison: &mut Comparison) {
    let Comparison { packages, commits, reboot, units } = comparison;
    match packages {
        Ok(diff) => cut_packages(diff),
        Err(why) => shorten(why, PROBLEM_BYTES),
    }
    match commits {
        Ok(between) => [&mut between.gained, &mut between.lost].into_iter().for_each(cut_commits),
        Err(why) => shorten(why, PROBLEM_BYTES),
    }
    match reboot {
        Ok(reboot) => {
            reboot.parts.truncate(BootPart::ALL.len());
            let versions = reboot.parts.iter_mut().flat_map(|part| [&mut part.booted, &mut part.next]);
            for version in versions.flatten() {
                shorten_line(version, VERSION_BYTES);
            }
        }
        Err(why) => shorten(why, PROBLEM_BYTES),
    }
    match units {
        Ok(UnitChanges { changed, added, removed, .. }) => {
            for names in [changed, added, removed] {
                shorten_lines(names, UNITS, UNIT_BYTES);
            }
        }
        Err(why) => shorten(why, PROBLEM_BYTES),
    }
}

fn cut_packages(diff: &mut ClosureDiff) {
    diff.packages.truncate(PACKAGES);
    for package in &mut diff.packages {
        shorten_line(&mut package.name, WORD_BYTES);
        shorten_lines(&mut package.removed, PACKAGE_VERSIONS, WORD_BYTES);
        shorten_lines(&mut package.added, PACKAGE_VERSIONS, WORD_BYTES);
    }
}

fn cut_commits(commits: &mut Commits) {
    commits.newest.truncate(COMMITS);
    for line in &mut commits.newest {
        shorten_line(&mut line.subject, SUBJECT_BYTES);
    }
}

fn check_comparison(pair: &Pair, comparison: &Comparison) -> Result<(), Broken> {
    let booted = comparison.reboot.iter().filter_map(|reboot| reboot.booted.as_ref());
    [&pair.from.store_path, &pair.to.store_path]
        .into_iter()
        .chain(booted)
        .try_for_each(|it| check_build(it))?;
    let commits = comparison
        .commits
        .iter()
        .flat_map(|between| between.gained.newest.iter().chain(&between.lost.newest));
    commits.map(|line| &line.commit).try_for_each(|Commit(hash)| check_hash(hash))
}

fn check_build(path: &str) -> Result<(), Broken> {
    ensure(path.len() <= STORE_PATH_BYTES, "a store path that is too long")
}

fn check_hash(text: &str) -> Result<(), Broken> {
    ensure(text.len() <= HASH_BYTES, "a commit or hash that is too long")
}

fn check_test_name(name: &str) -> Result<(), Broken> {
    ensure(name.len() <= TEST_NAME_BYTES, "a test's name that is too long")
}

fn ensure(kept: bool, limit: Broken) -> Result<(), Broken> {
    if kept { Ok(()) } else { Err(limit) }
}

fn shorten(text: &mut String, max: usize) {
    if text.len() > max {
        *text = cut(text, max);
    }
}

fn shorten_line(text: &mut String, max: usize) {
    if text.len() > max || text.contains(char::is_control) {
        *text = cut_line(text, max);
    }
}

fn shorten_all(texts: &mut Vec<String>, most: usize, max: usize) {
    texts.truncate(most);
    for text in texts {
        shorten(text, max);
    }
}

fn shorten_lines(texts: &mut Vec<String>, most: usize, max: usize) {
    texts.truncate(most);
    for text in texts {
        shorten_line(text, max);
    }
}
