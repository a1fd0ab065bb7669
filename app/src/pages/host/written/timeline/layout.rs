//! Positions in the picture, in hundredths of its length: 0 is the oldest moment, 100 is now.
//!
//! The scale is logarithmic in age: the last hour gets about as much room as the last week, and a gap of
//! years little more than one of months. A stretch that would be too short to see is lengthened at the cost
//! of the long ones.

use backstay_model::timeline::{End, Happening, Stretch, Timeline, What};
use chrono::{DateTime, TimeDelta, Utc};

/// The minimum distances in a picture, in hundredths of its length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Maximum number of stretches; the oldest are left out.
    pub(super) stretches: usize,
    /// Minimum length of a stretch.
    pub(super) stretch: f64,
    /// Minimum distance of two marks; closer ones are merged.
    pub(super) mark: f64,
    /// Minimum distance of two ticks.
    pub(super) tick: f64,
    /// True if tests have a lane of their own.
    pub(super) lanes: bool,
}

/// For the wide picture, in which time runs to the right. The shortest stretch has room for its number.
pub(super) const WIDE: Room = Room { stretches: 20, stretch: 4.0, mark: 3.2, tick: 9.0, lanes: true };
/// For the tall picture, in which time runs upwards.
pub(super) const TALL: Room = Room { stretches: 12, stretch: 5.5, mark: 5.8, tick: 5.5, lanes: false };

/// Everything that is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// The generations that ran, oldest first.
    pub(super) segments: Vec<Segment>,
    /// The happenings, newest first.
    pub(super) marks: Vec<Mark>,
    /// The scale.
    pub(super) ticks: Vec<Tick>,
}

/// One stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Segment {
    /// Its index among the timeline's stretches.
    pub(super) stretch: usize,
    /// The position of its start.
    pub(super) from: f64,
    /// Its length.
    pub(super) length: f64,
    /// True if it is the latest stretch of the *last known working* generation.
    pub(super) known_working: bool,
}

impl Segment {
    /// Its middle.
    pub(super) fn middle(&self) -> f64 {
        self.from + self.length / 2.0
    }

    /// The position of its end.
    pub(super) fn end(&self) -> f64 {
        self.from + self.length
    }
}

/// One happening, or several that are close to each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    /// Its position.
    pub(super) at: f64,
    /// True if it is in the lane of tests.
    pub(super) in_tests_lane: bool,
    /// The look of the gravest happening.
    pub(super) look: Look,
    /// Indices among the timeline's happenings: the gravest first, and of equals the newest.
    pub(super) happenings: Vec<usize>,
}

/// The look of a mark, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    Pulled,
    TestsPassed,
    Switched,
    Stopped,
    RolledBack,
    Failed,
}

impl Look {
    pub(super) fn of(happening: &Happening) -> Self {
        match (happening.end, happening.what) {
            (End::Badly, _) => Self::Failed,
            (End::Stopped, _) => Self::Stopped,
            (End::Well, What::Made | What::Switched | What::WentForward) => Self::Switched,
            (End::Well, What::RolledBack) => Self::RolledBack,
            (End::Well, What::Pulled) => Self::Pulled,
            (End::Well, What::Tested) => Self::TestsPassed,
        }
    }

    /// Its icon in the sprite.
    pub(super) fn icon(self) -> &'static str {
        match self {
            Self::Pulled => "pull",
            Self::TestsPassed => "ok",
            Self::Switched => "switch",
            Self::Stopped => "attention",
            Self::RolledBack => "rollback",
            Self::Failed => "failed",
        }
    }

    /// Its name for style sheets.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pulled => "pulled",
            Self::TestsPassed => "passed",
            Self::Switched => "switched",
            Self::Stopped => "stopped",
            Self::RolledBack => "rolled-back",
            Self::Failed => "failed",
        }
    }
}

/// A point of the scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tick {
    /// Its position.
    pub(super) at: f64,
    /// The age that it marks.
    pub(super) label: &'static str,
}

/// Lays out a timeline.
pub(super) fn layout(timeline: &Timeline, room: Room) -> Layout {
    let first = timeline.stretches.len().saturating_sub(room.stretches);
    let shown = &timeline.stretches[first..];
    let Some(scale) = Scale::new(timeline.now, shown, room.stretch) else {
        return Layout { segments: vec![], marks: vec![], ticks: vec![] };
    };
    let known_working = timeline
        .last_known_working
        .and_then(|number| timeline.stretches.iter().rposition(|stretch| stretch.generation == number));
    let segments = scale.starts.windows(2).enumerate().map(|(nth, ends)| Segment {
        stretch: first + nth,
        from: ends[0].at,
        length: ends[1].at - ends[0].at,
        known_working: known_working == Some(first + nth),
    });
    Layout {
        segments: segments.collect(),
        marks: marks(&timeline.happenings, &scale, shown[0].from, room),
        ticks: ticks(&scale, room.tick),
    }
}

/// Merges happenings that are too close to each other into one mark.
fn marks(happenings: &[Happening], scale: &Scale, begin: DateTime<Utc>, room: Room) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for (nth, happening) in happenings.iter().enumerate().filter(|(_, happening)| happening.at >= begin) {
        // Keeps the outermost marks inside the picture.
        let at = scale.at(happening.at).clamp(room.mark / 2.5, 100.0 - room.mark / 2.5);
        let in_tests_lane = room.lanes && happening.what == What::Tested;
        let look = Look::of(happening);
        let close = marks.iter_mut().rev().find(|mark| mark.in_tests_lane == in_tests_lane);
        match close.filter(|mark| mark.at - at < room.mark) {
            Some(mark) if look > mark.look => {
                mark.look = look;
                mark.happenings.insert(0, nth);
            }
            Some(mark) => mark.happenings.push(nth),
            None => marks.push(Mark { at, in_tests_lane, look, happenings: vec![nth] }),
        }
    }
    marks
}

/// Ages that a scale may show.
const AGES: [(TimeDelta, &str); 14] = [
    (TimeDelta::minutes(1), "1 min"),
    (TimeDelta::minutes(5), "5 min"),
    (TimeDelta::minutes(20), "20 min"),
    (TimeDelta::hours(1), "1 h"),
    (TimeDelta::hours(6), "6 h"),
    (TimeDelta::days(1), "1 day"),
    (TimeDelta::days(3), "3 days"),
    (TimeDelta::days(7), "1 week"),
    (TimeDelta::days(14), "2 weeks"),
    (TimeDelta::days(30), "1 month"),
    (TimeDelta::days(91), "3 months"),
    (TimeDelta::days(182), "6 months"),
    (TimeDelta::days(365), "1 year"),
    (TimeDelta::days(3 * 365), "3 years"),
];

fn ticks(scale: &Scale, least: f64) -> Vec<Tick> {
    let mut ticks: Vec<Tick> = Vec::new();
    for (age, label) in AGES.into_iter().filter(|(age, _)| age.as_seconds_f64() < scale.total) {
        let at = scale.at(scale.now - age);
        let newer = ticks.last().map_or(100.0, |tick| tick.at);
        if newer - at >= least && at >= least / 2.0 {
            ticks.push(Tick { at, label });
        }
    }
    ticks
}

/// Maps moments to positions.
struct Scale {
    now: DateTime<Utc>,
    /// The age of the oldest stretch, in seconds.
    total: f64,
    /// The age up to which the scale is almost linear, in seconds.
    even: f64,
    /// The starts of the stretches and, last, now.
    starts: Vec<Start>,
}

#[derive(Clone, Copy)]
struct Start {
    /// The position on the logarithmic scale.
    raw: f64,
    /// The final position.
    at: f64,
}

impl Scale {
    /// Returns `None` if there are no stretches.
    fn new(now: DateTime<Utc>, stretches: &[Stretch], least: f64) -> Option<Self> {
        let total = age(now, stretches.first()?.from).max(60.0);
        let even = (total / 24.0).clamp(30.0, 3600.0);
        let mut scale = Self { now, total, even, starts: vec![] };
        let raw: Vec<f64> = stretches.iter().map(|stretch| scale.raw(stretch.from)).chain([100.0]).collect();
        let lengths: Vec<f64> = raw.windows(2).map(|ends| ends[1] - ends[0]).collect();
        let mut at = 0.0;
        for (raw, length) in raw.iter().zip(stretched(&lengths, least).into_iter().chain([0.0])) {
            scale.starts.push(Start { raw: *raw, at });
            at += length;
        }
        Some(scale)
    }

    /// The position of a moment on the logarithmic scale. A moment in the future counts as now.
    fn raw(&self, at: DateTime<Utc>) -> f64 {
        let part = |age: f64| (1.0 + age / self.even).ln();
        (100.0 * (1.0 - part(age(self.now, at)) / part(self.total))).clamp(0.0, 100.0)
    }

    /// The final position of a moment.
    fn at(&self, at: DateTime<Utc>) -> f64 {
        let raw = self.raw(at);
        let after = self.starts.iter().position(|start| start.raw > raw).unwrap_or(self.starts.len() - 1);
        let (from, to) = (self.starts[after.saturating_sub(1)], self.starts[after]);
        let span = to.raw - from.raw;
        let part = if span > 0.0 { (raw - from.raw) / span } else { 1.0 };
        from.at + part.clamp(0.0, 1.0) * (to.at - from.at)
    }
}

fn age(now: DateTime<Utc>, at: DateTime<Utc>) -> f64 {
    (now - at).as_seconds_f64().max(0.0)
}

/// Scales lengths so that they sum to 100 and none is below `least`. The longer ones make up for the short
/// ones.
fn stretched(lengths: &[f64], least: f64) -> Vec<f64> {
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let least = least.min(100.0 / count(lengths.len().max(1)));
    let mut is_short = vec![false; lengths.len()];
    loop {
        let fixed = least * count(is_short.iter().filter(|short| **short).count());
        let free: f64 = lengths.iter().zip(&is_short).filter(|(_, short)| !**short).map(|(l, _)| l).sum();
        if free <= 0.0 {
            // All stretches have only just begun.
            return vec![100.0 / count(lengths.len()); lengths.len()];
        }
        let factor = (100.0 - fixed) / free;
        let mut changed = false;
        for (length, short) in lengths.iter().zip(&mut is_short) {
            if !*short && length * factor < least {
                *short = true;
                changed = true;
            }
        }
        if !changed {
            let one = |(length, short): (&f64, &bool)| if *short { least } else { length * factor };
            return lengths.iter().zip(&is_short).map(one).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::timeline::Began;
    use proptest::prelude::*;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::from_timestamp(1_766_932_800, 0).unwrap();

    fn ago(minutes: i64) -> DateTime<Utc> {
        NOW - TimeDelta::minutes(minutes)
    }

    /// A timeline with stretches that began these minutes ago, oldest first, and happenings, newest first.
    fn timeline(began: &[i64], happened: &[(i64, What, End)]) -> Timeline {
        let stretch = |(nth, minutes): (usize, &i64)| Stretch {
            generation: 40 + u32::try_from(nth).unwrap(),
            commit: None,
            from: ago(*minutes),
            to: began.get(nth + 1).map(|minutes| ago(*minutes)),
            tests: None,
            began: Began::Made,
        };
        let happening = |&(minutes, what, end): &(i64, What, End)| Happening {
            at: ago(minutes),
            what,
            end,
            generation: None,
            commit: None,
            tests: None,
            op: None,
            by: None,
            why: None,
        };
        Timeline {
            stretches: began.iter().enumerate().map(stretch).collect(),
            happenings: happened.iter().map(happening).collect(),
            last_known_working: Some(40),
            ..Timeline::unknown(NOW)
        }
    }

    const DAY: i64 = 24 * 60;

    #[test]
    fn without_a_past_there_is_nothing_to_draw() {
        let drawn = layout(&Timeline::unknown(NOW), WIDE);
        assert!(drawn.segments.is_empty() && drawn.marks.is_empty() && drawn.ticks.is_empty());
    }

    #[test]
    fn one_generation_fills_the_picture() {
        for minutes in [0, 10, 400 * DAY] {
            let drawn = layout(&timeline(&[minutes], &[(minutes, What::Made, End::Well)]), WIDE);
            assert_eq!(drawn.segments.len(), 1, "{minutes}");
            assert!((drawn.segments[0].length - 100.0).abs() < 1e-9 && drawn.segments[0].known_working);
            assert_eq!(drawn.marks.len(), 1);
        }
    }

    #[test]
    fn recent_stretches_have_room_after_a_gap_of_years() {
        let drawn = layout(&timeline(&[1500 * DAY, 60, 20], &[]), WIDE);
        let lengths: Vec<_> = drawn.segments.iter().map(|s| s.length).collect();
        assert!(lengths[2] > 2.0 && lengths[1] > 2.0, "{lengths:?}");
        let labels: Vec<_> = drawn.ticks.iter().map(|t| t.label).collect();
        assert!(labels.contains(&"1 day") && labels.contains(&"1 year"), "{labels:?}");
    }

    #[test]
    fn close_happenings_are_one_mark_with_the_look_of_the_gravest() {
        use What::{RolledBack, Switched, Tested};
        let happened = [
            (60, Tested, End::Well),
            (61, RolledBack, End::Well),
            (62, Switched, End::Badly),
            (63, Switched, End::Well),
            (9 * DAY, Switched, End::Well),
        ];
        let drawn = layout(&timeline(&[10 * DAY], &happened), WIDE);
        let marks: Vec<_> =
            drawn.marks.iter().map(|m| (m.in_tests_lane, m.look, m.happenings.clone())).collect();
        assert_eq!(
            marks,
            [
                (true, Look::TestsPassed, vec![0]),
                (false, Look::Failed, vec![2, 1, 3]),
                (false, Look::Switched, vec![4]),
            ]
        );
        let down = layout(&timeline(&[10 * DAY], &happened), TALL);
        assert_eq!(down.marks[0].happenings, [2, 1, 0, 3], "one lane for all");
    }

    #[test]
    fn happenings_before_the_picture_are_left_out() {
        let drawn = layout(&timeline(&[DAY], &[(2 * DAY, What::Tested, End::Well)]), WIDE);
        assert!(drawn.marks.is_empty());
    }

    #[test]
    fn of_many_the_newest_are_drawn() {
        let began: Vec<i64> = (0..40).rev().map(|n| n * DAY).collect();
        let drawn = layout(&timeline(&began, &[]), TALL);
        assert_eq!(drawn.segments.len(), TALL.stretches);
        assert_eq!(drawn.segments.last().unwrap().stretch, 39);
    }

    proptest! {
        /// Whatever happened, and however wrong clocks are: stretches adjoin each other from 0 to 100, none
        /// vanishes, and marks are in order and apart.
        #[test]
        fn everything_has_its_place(
            mut began in proptest::collection::vec(-5000_i64..3_000_000, 1..40),
            mut happened in proptest::collection::vec((-5000_i64..3_000_000, any::<bool>()), 0..150),
            tall in any::<bool>(),
        ) {
            began.sort_unstable_by_key(|minutes| -minutes);
            happened.sort_unstable();
            let happened: Vec<_> = happened
                .into_iter()
                .map(|(minutes, test)| (minutes, if test { What::Tested } else { What::Switched }, End::Well))
                .collect();
            let room = if tall { TALL } else { WIDE };
            let drawn = layout(&timeline(&began, &happened), room);
            prop_assert!(drawn.segments[0].from.abs() < 1e-9);
            prop_assert!((drawn.segments.last().unwrap().end() - 100.0).abs() < 1e-6);
            for segment in &drawn.segments {
                prop_assert!(segment.length >= room.stretch - 1e-6, "{segment:?}");
            }
            for pair in drawn.segments.windows(2) {
                prop_assert!((pair[0].end() - pair[1].from).abs() < 1e-6);
            }
            for lane in [false, true] {
                let lane: Vec<_> = drawn.marks.iter().filter(|m| m.in_tests_lane == lane).collect();
                for pair in lane.windows(2) {
                    prop_assert!(pair[0].at - pair[1].at >= room.mark - 1e-6);
                }
            }
            for place in drawn.marks.iter().map(|m| m.at).chain(drawn.ticks.iter().map(|t| t.at)) {
                prop_assert!((0.0..=100.0).contains(&place));
            }
        }
    }
}
