//! The picture as SVG text.
//!
//! `local_times.js` turns the moments in its titles into local time.
//!
//! It shows nothing that is not in the list below it, which serves screen readers and the keyboard.

use std::fmt::Write as _;

use backstay_model::State;
use backstay_model::timeline::Timeline;

use super::super::LogAddress;
use super::layout::{Layout, Mark, Segment, TALL, WIDE, layout};
use super::words::{Worked, in_short, last_worked, said, sentence, state};
use crate::escape::escaped;
use crate::time::machine_readable;

/// Height of the wide picture, in pixels.
pub(super) const WIDE_HEIGHT: u32 = 150;
/// Height of the tall picture, in pixels.
pub(super) const TALL_HEIGHT: u32 = 470;
/// Width of the words of the flag, in per cent of the narrowest wide picture.
const FLAG_WORDS: f64 = 28.0;
/// Maximum number of happenings in the title of one mark.
const NAMED: usize = 6;

/// The wide picture, with now at its right.
pub(super) fn wide(timeline: &Timeline, address: LogAddress<'_>) -> String {
    let drawn = layout(timeline, WIDE);
    let mut svg = patterns("wide");
    // Where the words of the flag have to end.
    let mut free = 100.0;
    if let Some(from) = broken_from(timeline, &drawn) {
        let _ = write!(
            svg,
            r#"<rect class="since" x="{from:.2}%" y="24" width="{:.2}%" height="102"/>"#,
            100.0 - from
        );
        if from < 84.0 {
            free = 78.0;
            svg.push_str(
                r#"<text class="since-text" x="100%" y="15" text-anchor="end">since it last worked</text>"#,
            );
        }
    }
    for tick in &drawn.ticks {
        let (at, label) = (tick.at, tick.label);
        let _ = write!(
            svg,
            r#"<line class="tick" x1="{at:.2}%" x2="{at:.2}%" y1="24" y2="128"/><text class="tick-text" x="{at:.2}%" y="144" text-anchor="middle">{label}</text>"#
        );
    }
    svg.push_str(r#"<text class="tick-text now" x="100%" y="144" text-anchor="end">now</text>"#);
    for segment in &drawn.segments {
        wide_segment(&mut svg, timeline, segment);
    }
    if let Some(segment) = drawn.segments.iter().find(|segment| segment.known_working) {
        wide_flag(&mut svg, segment, free);
    }
    for mark in &drawn.marks {
        let y = if mark.in_tests_lane { 112 } else { 38 };
        let place = format!(r#"x="{:.2}%" y="{y}""#, mark.at);
        write_mark(&mut svg, timeline, mark, &place, None, address);
    }
    svg
}

fn wide_segment(svg: &mut String, timeline: &Timeline, segment: &Segment) {
    let stretch = &timeline.stretches[segment.stretch];
    let _ = write!(
        svg,
        r#"<svg class="segment" data-state="{}" x="{:.2}%" y="54" width="{:.2}%" height="42"><title>{}</title>"#,
        state(stretch).as_str(),
        segment.from,
        segment.length,
        escaped(&segment_title(timeline, segment))
    );
    svg.push_str(r#"<rect class="fill" width="100%" height="42"/>"#);
    match state(stretch) {
        State::Failed => {
            svg.push_str(r#"<rect width="100%" height="7" y="35" fill="url(#timeline-wide-saw)"/>"#);
        }
        State::Unknown => {
            svg.push_str(r#"<rect width="100%" height="42" fill="url(#timeline-wide-hatch)"/>"#);
        }
        _ => {}
    }
    svg.push_str(r#"<rect class="gap" width="2" height="42"/>"#);
    if segment.length >= 8.0 {
        let _ = write!(svg, r#"<text class="name" x="10" y="18">Gen {}</text>"#, stretch.generation);
    } else if segment.length >= 3.6 {
        let _ = write!(svg, r#"<text class="name" x="6" y="18">{}</text>"#, stretch.generation);
    }
    if segment.length >= 12.0 {
        let _ = write!(svg, r#"<text class="said" x="10" y="33">{}</text>"#, said(stretch));
    } else if segment.length >= 8.0 {
        let short = stretch.tests.map(|tests| tests.to_string()).unwrap_or_default();
        let _ = write!(svg, r#"<text class="said" x="10" y="33">{short}</text>"#);
    }
    svg.push_str("</svg>");
}

/// A flag on the last known working stretch. `free` is where the room for its words ends, in per cent.
fn wide_flag(svg: &mut String, segment: &Segment, free: f64) {
    let at = segment.middle();
    // The words stand on the side that has room for them.
    let (anchor, x) = if at + FLAG_WORDS < free { ("start", 16) } else { ("end", -5) };
    let _ = write!(
        svg,
        r#"<svg class="flag" x="{at:.2}%" y="0" overflow="visible"><path class="pole" d="M0 54V4"/><path class="pennant" d="M0 4l12 5-12 5z"/><text x="{x}" y="15" text-anchor="{anchor}">Last known working</text></svg>"#
    );
}

/// The tall picture, with now at its top.
pub(super) fn tall(timeline: &Timeline, address: LogAddress<'_>) -> String {
    let drawn = layout(timeline, TALL);
    let mut svg = patterns("tall");
    if let Some(from) = broken_from(timeline, &drawn) {
        let _ = write!(
            svg,
            r#"<rect class="since" x="0" y="{:.2}%" width="100%" height="{:.2}%"/>"#,
            down(100.0),
            down(from) - down(100.0)
        );
    }
    for tick in &drawn.ticks {
        let (y, label) = (down(tick.at), tick.label);
        let _ = write!(
            svg,
            r#"<line class="tick" x1="50" x2="100%" y1="{y:.2}%" y2="{y:.2}%"/><text class="tick-text" x="44" y="{y:.2}%" dy="4" text-anchor="end">{}</text>"#,
            label
                .replace(" months", " mon")
                .replace(" month", " mon")
                .replace(" weeks", " wk")
                .replace(" week", " wk")
        );
    }
    let _ = write!(
        svg,
        r#"<text class="tick-text now" x="44" y="{:.2}%" dy="14" text-anchor="end">now</text>"#,
        down(100.0)
    );
    for segment in &drawn.segments {
        tall_segment(&mut svg, timeline, segment);
    }
    for mark in &drawn.marks {
        let place = format!(r#"x="200" y="{:.2}%""#, down(mark.at));
        let more = mark.happenings.len() - 1;
        let label = in_short(&timeline.happenings[mark.happenings[0]]);
        let label = if more > 0 { format!("{label} +{more}") } else { label };
        write_mark(&mut svg, timeline, mark, &place, Some(&label), address);
    }
    svg
}

/// The distance from the top, where now is.
fn down(at: f64) -> f64 {
    1.5 + (100.0 - at) * 0.97
}

fn tall_segment(svg: &mut String, timeline: &Timeline, segment: &Segment) {
    let stretch = &timeline.stretches[segment.stretch];
    let height = down(segment.from) - down(segment.end());
    let _ = write!(
        svg,
        r#"<svg class="segment" data-state="{}" x="52" y="{:.2}%" width="132" height="{height:.2}%"><title>{}</title>"#,
        state(stretch).as_str(),
        down(segment.end()),
        escaped(&segment_title(timeline, segment))
    );
    svg.push_str(r#"<rect class="fill" width="132" height="100%"/>"#);
    match state(stretch) {
        State::Failed => {
            svg.push_str(r#"<rect width="7" height="100%" x="125" fill="url(#timeline-tall-saw)"/>"#);
        }
        State::Unknown => {
            svg.push_str(r#"<rect width="132" height="100%" fill="url(#timeline-tall-hatch)"/>"#);
        }
        _ => {}
    }
    svg.push_str(r#"<rect class="gap" width="132" height="2"/>"#);
    let short = stretch.tests.map_or_else(|| "untested".to_owned(), |tests| tests.to_string());
    let _ = write!(
        svg,
        r#"<text class="name" x="10" y="18">Gen {}</text><text class="said" x="118" y="18" text-anchor="end">{short}</text>"#,
        stretch.generation
    );
    if segment.known_working {
        svg.push_str(r#"<path class="flag-inside" d="M76 19V6h2l11 4-11 4v5z"/>"#);
        if height >= 8.5 {
            svg.push_str(r#"<text class="said" x="10" y="34">last known working</text>"#);
        }
    }
    svg.push_str("</svg>");
}

/// A mark, which links to its op if it has one.
fn write_mark(
    svg: &mut String,
    timeline: &Timeline,
    mark: &Mark,
    place: &str,
    label: Option<&str>,
    address: LogAddress<'_>,
) {
    let op = mark.happenings.iter().find_map(|nth| timeline.happenings[*nth].op);
    let (look, icon) = (mark.look.name(), mark.look.icon());
    match op {
        Some(op) => {
            let address = escaped(&address(op));
            let _ = write!(
                svg,
                r#"<a class="mark" data-look="{look}" data-log="{op}" href="{address}" tabindex="-1">"#
            );
        }
        None => {
            let _ = write!(svg, r#"<g class="mark" data-look="{look}">"#);
        }
    }
    let _ = write!(
        svg,
        r##"<title>{}</title><svg {place} overflow="visible"><circle class="disc" r="11"/><use href="#i-{icon}" x="-8" y="-8" width="16" height="16"/>"##,
        escaped(&mark_title(timeline, mark))
    );
    match label {
        Some(label) => {
            let _ = write!(svg, r#"<text class="label" x="17" y="5">{}</text>"#, escaped(label));
        }
        None if mark.happenings.len() > 1 => {
            let _ = write!(svg, r#"<text class="count" x="9" y="-6">{}</text>"#, mark.happenings.len());
        }
        None => {}
    }
    svg.push_str("</svg>");
    svg.push_str(if op.is_some() { "</a>" } else { "</g>" });
}

fn mark_title(timeline: &Timeline, mark: &Mark) -> String {
    let line = |nth: &usize| {
        let happening = &timeline.happenings[*nth];
        format!("{}: {}", machine_readable(happening.at), sentence(happening))
    };
    let mut lines: Vec<_> = mark.happenings.iter().take(NAMED).map(line).collect();
    if mark.happenings.len() > NAMED {
        lines.push(format!("and {} more", mark.happenings.len() - NAMED));
    }
    lines.join("\n")
}

fn segment_title(timeline: &Timeline, segment: &Segment) -> String {
    let stretch = &timeline.stretches[segment.stretch];
    let commit = stretch.commit.as_ref().map(|commit| format!(" ({commit})")).unwrap_or_default();
    let until = stretch.to.map_or_else(|| "now".to_owned(), machine_readable);
    let known = if segment.known_working { "\nLast known working" } else { "" };
    let (number, from) = (stretch.generation, machine_readable(stretch.from));
    format!("Gen {number}{commit}: {}\n{from} to {until}{known}", said(stretch))
}

/// The start of the time since the host last worked.
fn broken_from(timeline: &Timeline, drawn: &Layout) -> Option<f64> {
    let Worked::Until { at, .. } = last_worked(&timeline.stretches) else { return None };
    let worked = |segment: &&Segment| timeline.stretches[segment.stretch].to == Some(at);
    drawn.segments.iter().find(worked).map(Segment::end)
}

/// Patterns that tell states apart without colour: failed stretches have teeth, untested ones are hatched.
fn patterns(which: &str) -> String {
    let saw = if which == "wide" {
        r#"width="9" height="7" patternUnits="userSpaceOnUse" y="35"><path class="teeth" d="M0 7 4.5 0 9 7z"/>"#
    } else {
        r#"width="7" height="9" patternUnits="userSpaceOnUse" x="125"><path class="teeth" d="M7 0 0 4.5 7 9z"/>"#
    };
    format!(
        r#"<defs><pattern id="timeline-{which}-saw" {saw}</pattern><pattern id="timeline-{which}-hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0v8"/></pattern></defs>"#
    )
}

#[cfg(test)]
mod tests {
    use backstay_model::timeline::{Began, End, Happening, Stretch, What};
    use backstay_model::{Commit, TestSummary};
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn timeline() -> Timeline {
        let now = DateTime::from_timestamp(1_766_932_800, 0).unwrap();
        let ago = |hours| now - TimeDelta::hours(hours);
        let stretch = |generation, hours, until: Option<i64>, tests| Stretch {
            generation,
            commit: Some(Commit("<b>\"&".into())),
            from: ago(hours),
            to: until.map(ago),
            tests,
            began: Began::Made,
        };
        let tests = |passed| Some(TestSummary { passed, total: 8 });
        Timeline {
            stretches: vec![
                stretch(46, 72, Some(30), None),
                stretch(47, 30, Some(2), tests(8)),
                stretch(48, 2, None, tests(3)),
            ],
            happenings: vec![Happening {
                at: ago(2),
                what: What::Switched,
                end: End::Well,
                generation: Some(48),
                commit: None,
                tests: None,
                op: Some("019b0000-0000-7000-8000-000000000001".parse().unwrap()),
                by: None,
                why: None,
            }],
            last_known_working: Some(47),
            ..Timeline::unknown(now)
        }
    }

    fn drawn() -> [String; 2] {
        let address = |op| format!("/hosts/a?b=1&log={op}");
        [wide(&timeline(), &address), tall(&timeline(), &address)]
    }

    #[test]
    fn the_words_of_the_flag_stand_where_there_is_room() {
        let timeline = timeline();
        let segment = layout(&timeline, WIDE).segments.remove(0);
        let anchor = |free| {
            let mut svg = String::new();
            wide_flag(&mut svg, &segment, free);
            if svg.contains("text-anchor=\"start\"") { "start" } else { "end" }
        };
        assert_eq!(anchor(segment.middle() + FLAG_WORDS + 1.0), "start");
        assert_eq!(anchor(segment.middle() + FLAG_WORDS - 1.0), "end");
    }

    #[test]
    fn states_have_shapes_and_words_beside_colours() {
        for svg in drawn() {
            for state in ["ok", "failed", "unknown"] {
                assert!(svg.contains(&format!("class=\"segment\" data-state=\"{state}\"")), "{svg}");
            }
            assert!(svg.contains("-saw)") && svg.contains("-hatch)"), "{svg}");
            assert!(svg.to_lowercase().contains("last known working"), "{svg}");
            assert!(svg.contains("class=\"since\""), "since when it does not work");
        }
    }

    #[test]
    fn a_mark_leads_to_its_op_by_mouse_and_is_no_stop_for_the_keyboard() {
        for svg in drawn() {
            let link = "href=\"/hosts/a?b=1&amp;log=019b0000-0000-7000-8000-000000000001\" tabindex=\"-1\"";
            assert!(svg.contains(link), "{svg}");
        }
    }

    #[test]
    fn what_a_host_says_stays_text_and_nothing_is_styled_in_place() {
        for svg in drawn() {
            assert!(svg.contains("&lt;b&gt;&quot;&amp;") && !svg.contains("<b>") && !svg.contains("style="));
        }
    }

    #[test]
    fn tags_are_closed_as_they_were_opened() {
        for svg in drawn() {
            for tag in ["svg", "a", "g", "text", "title", "pattern", "defs"] {
                let opened =
                    svg.matches(&format!("<{tag} ")).count() + svg.matches(&format!("<{tag}>")).count();
                assert_eq!(opened, svg.matches(&format!("</{tag}>")).count(), "{tag}");
            }
        }
    }
}
