//! What is broken on a host, and the way back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::rollback::HostHistory;
use crate::timeline::{Stretch, stretches};
use crate::wire::limits::few;
use crate::{Facts, Lights, State, TestSummary};

/// What is broken on a host: its System or its Tests light is red.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trouble {
    /// What failed, in words: “x11, dns, gpu and 2 more failed since Gen 48”.
    pub what: String,
    /// Since when, if known.
    pub since: Option<DateTime<Utc>>,
    /// The number of the generation that is [last known working](HostHistory::last_known_working).
    pub way_back: Option<u32>,
    /// When that one last ran and passed its tests.
    pub worked_until: Option<DateTime<Utc>>,
}

impl Trouble {
    /// Returns whether a host with these lights is broken.
    pub fn is_shown_by(lights: &Lights) -> bool {
        [&lights.system, &lights.tests].iter().any(|light| light.state == State::Failed)
    }

    /// The trouble of a host with these lights; `None` if neither of the two is red.
    pub fn of(lights: &Lights, facts: &Facts, past: &HostHistory<'_>) -> Option<Self> {
        if !Self::is_shown_by(lights) {
            return None;
        }
        let stretches = stretches(&facts.generations, past.runs, past.ops);
        let began = running_stretches(facts, &stretches);
        let since = began.first().map(|stretch| stretch.from);
        let way_back = past.last_known_working(facts).map(|generation| generation.number);
        let worked = |stretch: &&Stretch| Some(stretch.generation) == way_back && has_passed(stretch);
        let worked_until = stretches.iter().rfind(worked).and_then(|stretch| stretch.to);
        if lights.tests.state != State::Failed {
            return Some(Self { what: failed_system(lights, facts), since, way_back, worked_until });
        }
        let failing = began.iter().rposition(has_passed).map_or(began, |passed| &began[passed + 1..]);
        Some(Self {
            what: failed_tests(facts, failing.len() < began.len())?,
            since: failing.first().map(|stretch| stretch.from),
            way_back,
            worked_until,
        })
    }
}

/// The last stretches, in which the running generation ran.
fn running_stretches<'a>(facts: &Facts, stretches: &'a [Stretch]) -> &'a [Stretch] {
    let Some(running) = facts.running_generation() else { return &[] };
    let other = stretches.iter().rposition(|stretch| stretch.generation != running.number);
    &stretches[other.map_or(0, |place| place + 1)..]
}

fn has_passed(stretch: &Stretch) -> bool {
    stretch.tests.is_some_and(TestSummary::all_passed)
}

/// “x11, dns, gpu and 2 more failed since Gen 48”, or “on Gen 48” if they passed on it before.
fn failed_tests(facts: &Facts, passed_before: bool) -> Option<String> {
    let running = facts.running_generation()?;
    let failed: Vec<_> = facts.tests_of(running)?.failed().collect();
    let word = if passed_before { "on" } else { "since" };
    Some(format!("{} failed {word} Gen {}", few(&failed), running.number))
}

fn failed_system(lights: &Lights, facts: &Facts) -> String {
    match (facts.failed_units.as_slice(), facts.running_generation()) {
        ([], _) => format!("{}: {}", lights.system.words, lights.system.hint),
        (units, Some(running)) => format!("{} failed on Gen {}", few(units), running.number),
        (units, None) => format!("{} failed", few(units)),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::sample::{facts, generation, host, now, run_on};
    use crate::{OpView, TestRun};

    fn broken(light: fn(&mut Lights) -> &mut State) -> Lights {
        let mut lights = host("gpc0").lights;
        *light(&mut lights) = State::Failed;
        lights
    }

    fn of(facts: &Facts, lights: &Lights, runs: &[TestRun]) -> Option<Trouble> {
        Trouble::of(lights, facts, &HostHistory { runs, ops: &[] as &[OpView], reverted: &[] })
    }

    /// Gen 47 worked until Gen 48 was made, on which these tests fail.
    fn after_a_switch(results: &[(&str, bool)]) -> Facts {
        let mut facts = facts();
        let soon = |number, days| generation(number, days).created_at + TimeDelta::minutes(2);
        facts.test_runs = vec![
            run_on(&generation(48, 0), soon(48, 0), results),
            run_on(&generation(47, 1), soon(47, 1), &[("dns", true)]),
        ];
        facts
    }

    #[test]
    fn a_host_without_a_red_light_is_not_in_trouble() {
        assert_eq!(of(&facts(), &host("gpc0").lights, &[]), None);
        let git = broken(|lights| &mut lights.git.state);
        assert_eq!(of(&facts(), &git, &[]), None, "the host works, whatever the branch does");
    }

    #[test]
    fn failed_tests_are_named_with_the_way_back() {
        let facts = after_a_switch(&[("x11", false), ("dns", false), ("gpu", false), ("ssh", false)]);
        let lights = broken(|lights| &mut lights.tests.state);
        let trouble = of(&facts, &lights, &facts.test_runs).unwrap();
        assert_eq!(trouble.what, "x11, dns, gpu and 1 more failed since Gen 48");
        let switched = generation(48, 0).created_at;
        assert_eq!((trouble.since, trouble.way_back), (Some(switched), Some(47)));
        assert_eq!(trouble.worked_until, Some(switched));
    }

    #[test]
    fn tests_that_passed_on_the_generation_before_did_not_fail_since_it() {
        let mut facts = after_a_switch(&[("dns", true)]);
        facts.generations[0].created_at = now() - TimeDelta::hours(9);
        facts.test_runs[0].finished_at = now() - TimeDelta::hours(8);
        facts.test_runs.push(run_on(&generation(48, 0), now(), &[("dns", false)]));
        let lights = broken(|lights| &mut lights.tests.state);
        let trouble = of(&facts, &lights, &facts.test_runs).unwrap();
        assert_eq!((trouble.what.as_str(), trouble.since), ("dns failed on Gen 48", Some(now())));
    }

    #[test]
    fn tests_that_never_passed_on_a_generation_failed_since_it_began() {
        let mut facts = after_a_switch(&[("dns", false)]);
        facts.generations[0].created_at = now() - TimeDelta::hours(9);
        facts.test_runs[0].finished_at = now();
        let lights = broken(|lights| &mut lights.tests.state);
        let trouble = of(&facts, &lights, &facts.test_runs).unwrap();
        let switched = facts.generations[0].created_at;
        assert_eq!((trouble.what.as_str(), trouble.since), ("dns failed since Gen 48", Some(switched)));
    }

    #[test]
    fn a_system_says_what_failed() {
        let lights = broken(|lights| &mut lights.system.state);
        let words = |facts: &Facts| of(facts, &lights, &[]).unwrap().what;
        assert_eq!(words(&facts()), "Fine: Nothing to do.");
        let units = Facts { failed_units: vec!["nginx.service".into()], ..facts() };
        assert_eq!(words(&units), "nginx.service failed on Gen 48");
    }

    #[test]
    fn without_a_working_generation_there_is_no_way_back() {
        let facts = Facts { test_runs: vec![], ..facts() };
        let lights = broken(|lights| &mut lights.system.state);
        let trouble = of(&facts, &lights, &[]).unwrap();
        assert_eq!((trouble.way_back, trouble.worked_until), (None, None));
    }
}
