//! How a host fared: when it last worked, and what has run since.

use backstay_protocol::State;
use backstay_protocol::timeline::{Began, Stretch};
use backstay_protocol::view::HostDetail;
use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::components::{Icon, Moment, TestsOf, Took};

/// How many stretches are shown at once; the others are one click away.
const SHOWN: usize = 6;

/// The host's life as a picture and in words, newest first.
#[component]
pub(super) fn Timeline(detail: RwSignal<HostDetail>) -> impl IntoView {
    let stretches = Memo::new(move |_| detail.with(|d| d.timeline.iter().rev().cloned().collect::<Vec<_>>()));
    move || {
        let stretches = stretches.get();
        if stretches.is_empty() {
            return view! { <p class="faint">"Nothing is known of this host's past yet."</p> }.into_any();
        }
        let bar = stretches.iter().rev().map(bar_part).collect_view();
        let mut rows: Vec<_> = stretches.iter().map(|s| view! { <Row stretch=s.clone()/> }).collect();
        let older = rows.split_off(rows.len().min(SHOWN));
        let older = (!older.is_empty()).then(|| {
            view! {
                <details class="timeline-older">
                    <summary>{format!("{} older", older.len())}</summary>
                    <ol class="timeline">{older}</ol>
                </details>
            }
        });
        view! {
            <LastWorked worked=last_worked(&stretches)/>
            <div class="timeline-bar" aria-hidden="true">{bar}</div>
            <ol class="timeline">{rows}</ol>
            {older}
        }
        .into_any()
    }
}

/// When a host last worked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Worked {
    /// It does now.
    Now { generation: u32 },
    /// It did until then.
    Until { generation: u32, at: DateTime<Utc> },
    /// No run of its tests passed in what is known.
    Never,
}

/// From the stretches, newest first. While tests have not run it is not known whether a host works, and so what was
/// known before stands.
fn last_worked(stretches: &[Stretch]) -> Worked {
    match stretches.iter().find(|stretch| state(stretch) == State::Ok) {
        None => Worked::Never,
        Some(Stretch { generation, to: None, .. }) => Worked::Now { generation: *generation },
        Some(Stretch { generation, to: Some(at), .. }) => Worked::Until { generation: *generation, at: *at },
    }
}

fn state(stretch: &Stretch) -> State {
    match stretch.tests {
        Some(tests) if tests.all_passed() => State::Ok,
        Some(_) => State::Failed,
        None => State::Unknown,
    }
}

#[component]
fn LastWorked(worked: Worked) -> impl IntoView {
    let (state, words) = match worked {
        Worked::Now { generation } => {
            (State::Ok, view! { {format!("Works now, on Gen {generation}.")} }.into_any())
        }
        Worked::Until { generation, at } => (
            State::Attention,
            view! { {format!("Last worked on Gen {generation}, until ")} <Moment at/> "." }.into_any(),
        ),
        Worked::Never => {
            (State::Unknown, view! { "No test run has passed completely in what is known." }.into_any())
        }
    };
    view! { <p class="last-worked" data-state=state.as_str()><Icon name=state.as_str()/>" "<span>{words}</span></p> }
}

/// One stretch of the picture.
fn bar_part(stretch: &Stretch) -> impl IntoView + use<> {
    let name = format!("Gen {}", stretch.generation);
    let title = name.clone();
    view! { <span data-state=state(stretch).as_str() data-span=span(stretch).to_string() title=title><span>{name}</span></span> }
}

/// How wide a stretch is drawn, from 1 to 6: long ones wider, but not so much that short ones vanish.
fn span(stretch: &Stretch) -> u8 {
    match stretch.to.map_or(60, |to| (to - stretch.from).num_minutes()) {
        ..10 => 1,
        10..120 => 2,
        120..1440 => 3,
        1440..10_080 => 4,
        10_080..43_200 => 5,
        _ => 6,
    }
}

#[component]
fn Row(stretch: Stretch) -> impl IntoView {
    let began = match stretch.began {
        Began::Made => "made",
        Began::RolledBack => "rolled back to",
        Began::Tested => "tested",
    };
    let lasted = match stretch.to {
        Some(to) => view! { "for "<Took from=stretch.from to/> }.into_any(),
        None => view! { "until now" }.into_any(),
    };
    let state = state(&stretch).as_str();
    view! {
        <li data-state=state>
            <Icon name=state/>
            <span class="timeline-what">
                <b>{format!("Gen {}", stretch.generation)}</b>
                " "
                <span class="faint">{began}</span>
                " "
                <TestsOf tests=stretch.tests/>
            </span>
            " "
            <span class="timeline-when"><Moment at=stretch.from/>", "{lasted}</span>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use backstay_protocol::TestSummary;
    use chrono::TimeDelta;

    use super::*;

    fn stretch(generation: u32, passed: Option<u32>, hours: Option<i64>) -> Stretch {
        let from = DateTime::UNIX_EPOCH;
        Stretch {
            generation,
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
        assert_eq!(last_worked(&[broken.clone(), fine.clone()]), until);
        assert_eq!(last_worked(&[unknown, fine]), until, "it is not known of what was not tested");
        assert_eq!(
            last_worked(&[stretch(47, Some(8), None), broken.clone()]),
            Worked::Now { generation: 47 }
        );
        assert_eq!(last_worked(&[broken]), Worked::Never);
    }

    #[test]
    fn longer_is_wider_and_nothing_vanishes() {
        let spans: Vec<_> =
            [0, 1, 5, 48, 24 * 20, 24 * 365].map(|hours| span(&stretch(1, None, Some(hours)))).to_vec();
        assert_eq!(spans, [1, 2, 3, 4, 5, 6]);
    }
}
