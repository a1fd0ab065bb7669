//! A host's past in words.

use backstay_model::State;
use backstay_model::timeline::{End, Happening, Stretch, What};
use chrono::{DateTime, Utc};

/// When a host last worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Worked {
    /// It works now.
    Now { generation: u32 },
    /// It worked until then.
    Until { generation: u32, at: DateTime<Utc> },
    /// No run of its tests is known to have passed.
    Never,
}

/// Computes this from the stretches, oldest first. A stretch without tests says nothing, so an earlier result
/// stands.
pub(super) fn last_worked(stretches: &[Stretch]) -> Worked {
    match stretches.iter().rfind(|stretch| state(stretch) == State::Ok) {
        None => Worked::Never,
        Some(Stretch { generation, to: None, .. }) => Worked::Now { generation: *generation },
        Some(Stretch { generation, to: Some(at), .. }) => Worked::Until { generation: *generation, at: *at },
    }
}

/// The test results of a stretch, as the state of a light.
pub(super) fn state(stretch: &Stretch) -> State {
    match stretch.tests {
        Some(tests) if tests.all_passed() => State::Ok,
        Some(_) => State::Failed,
        None => State::Unknown,
    }
}

/// How the time since the start of a stretch is spent: “works since”.
pub(in super::super) fn since_words(stretch: &Stretch) -> &'static str {
    match state(stretch) {
        State::Ok => "works since",
        State::Failed => "tests fail since",
        _ => "runs since",
    }
}

/// The test results of a stretch, in a word or two.
pub(super) fn said(stretch: &Stretch) -> String {
    match stretch.tests {
        Some(tests) => tests.verdict(),
        None => "not tested".to_owned(),
    }
}

/// A happening in a few words: “Switched to Gen 48 (abc1234)”.
pub(super) fn sentence(happening: &Happening) -> String {
    let generation = generation(happening);
    let to = |words: &str| match &generation {
        Some(name) => format!("{words} to {name}"),
        None => words.to_owned(),
    };
    match (happening.what, happening.end) {
        (What::Made, _) => format!("{} was made", generation.unwrap_or_default()),
        (What::Switched, End::Well) => to("Switched"),
        (What::RolledBack, End::Well) => to("Rolled back"),
        (What::WentForward, End::Well) => to("Went forward"),
        (What::Pulled, End::Well) => "Pulled".to_owned(),
        (What::Tested, End::Stopped) => "Tests were stopped".to_owned(),
        (What::Tested, _) => tests(happening),
        (what, end) => {
            let noun = match what {
                What::RolledBack => to("Rollback"),
                What::WentForward => to("Going forward"),
                What::Pulled => "Pull".to_owned(),
                _ => "Switch".to_owned(),
            };
            format!("{noun} {}", if end == End::Badly { "failed" } else { "was stopped" })
        }
    }
}

fn tests(happening: &Happening) -> String {
    let on = happening.generation.map(|number| format!(" on Gen {number}")).unwrap_or_default();
    match happening.tests {
        Some(tests) if tests.all_passed() => format!("Tests passed ({tests}){on}"),
        Some(tests) => format!("Tests failed ({tests}){on}"),
        None => "Tests did not finish".to_owned(),
    }
}

fn generation(happening: &Happening) -> Option<String> {
    let number = happening.generation?;
    Some(match &happening.commit {
        Some(commit) => format!("Gen {number} ({commit})"),
        None => format!("Gen {number}"),
    })
}

/// A happening in one or two words, for the tall picture.
pub(super) fn in_short(happening: &Happening) -> String {
    let number = happening.generation.map(|number| format!(" {number}")).unwrap_or_default();
    match (happening.what, happening.end) {
        (What::Made | What::Switched, End::Well) => format!("Switch{number}"),
        (What::RolledBack, End::Well) => format!("Rollback{number}"),
        (What::WentForward, End::Well) => format!("Forward{number}"),
        (What::Pulled, End::Well) => "Pull".to_owned(),
        (What::Tested, _) => match happening.tests {
            Some(tests) => format!("Tests {tests}"),
            None => "Tests stopped".to_owned(),
        },
        (What::RolledBack, _) => "Rollback failed".to_owned(),
        (What::Pulled, _) => "Pull failed".to_owned(),
        (What::Made | What::Switched | What::WentForward, _) => "Switch failed".to_owned(),
    }
}

/// The icon of a happening in the list.
pub(super) fn icon(happening: &Happening) -> &'static str {
    super::layout::Look::of(happening).icon()
}

#[cfg(test)]
mod tests {
    use backstay_model::timeline::Began;
    use backstay_model::{Commit, TestSummary};
    use chrono::TimeDelta;

    use super::*;

    fn stretch(generation: u32, passed: Option<u32>, hours: Option<i64>) -> Stretch {
        let from = DateTime::UNIX_EPOCH;
        Stretch {
            generation,
            commit: None,
            from,
            to: hours.map(|hours| from + TimeDelta::hours(hours)),
            tests: passed.map(|passed| TestSummary { passed, total: 8 }),
            began: Began::Made,
        }
    }

    #[test]
    fn when_it_last_worked() {
        let (fine, broken, unknown) =
            (stretch(47, Some(8), Some(5)), stretch(48, Some(3), None), stretch(48, None, None));
        let until = Worked::Until { generation: 47, at: DateTime::UNIX_EPOCH + TimeDelta::hours(5) };
        assert_eq!(last_worked(&[fine.clone(), broken.clone()]), until);
        assert_eq!(last_worked(&[fine, unknown]), until, "without tests nothing is known");
        assert_eq!(
            last_worked(&[broken.clone(), stretch(47, Some(8), None)]),
            Worked::Now { generation: 47 }
        );
        assert_eq!(last_worked(&[broken]), Worked::Never);
    }

    #[test]
    fn happenings_in_words() {
        let of = |what, end, passed: Option<u32>| Happening {
            at: DateTime::UNIX_EPOCH,
            what,
            end,
            generation: Some(48),
            commit: Some(Commit("abc1234567".into())),
            tests: passed.map(|passed| TestSummary { passed, total: 8 }),
            op: None,
            by: None,
            why: None,
        };
        for (happening, words, few) in [
            (of(What::Made, End::Well, None), "Gen 48 (abc1234) was made", "Switch 48"),
            (of(What::Switched, End::Well, None), "Switched to Gen 48 (abc1234)", "Switch 48"),
            (of(What::Switched, End::Badly, None), "Switch failed", "Switch failed"),
            (of(What::RolledBack, End::Well, None), "Rolled back to Gen 48 (abc1234)", "Rollback 48"),
            (of(What::WentForward, End::Well, None), "Went forward to Gen 48 (abc1234)", "Forward 48"),
            (
                of(What::WentForward, End::Badly, None),
                "Going forward to Gen 48 (abc1234) failed",
                "Switch failed",
            ),
            (
                of(What::RolledBack, End::Stopped, None),
                "Rollback to Gen 48 (abc1234) was stopped",
                "Rollback failed",
            ),
            (of(What::Tested, End::Well, Some(8)), "Tests passed (8/8) on Gen 48", "Tests 8/8"),
            (of(What::Tested, End::Badly, Some(3)), "Tests failed (3/8) on Gen 48", "Tests 3/8"),
            (of(What::Tested, End::Badly, None), "Tests did not finish", "Tests stopped"),
            (of(What::Pulled, End::Badly, None), "Pull failed", "Pull failed"),
        ] {
            assert_eq!((sentence(&happening).as_str(), in_short(&happening).as_str()), (words, few));
        }
    }
}
