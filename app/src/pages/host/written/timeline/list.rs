//! A host's history as text, newest first: which generation ran, what happened in that time, and the way back
//! to it.

use std::cmp::Reverse;

use backstay_model::rollback::{Candidate, RollbackPlan};
use backstay_model::timeline::{Began, Happening, Stretch};
use backstay_model::view::HostDetail;
use backstay_model::{Action, Person};
use leptos::prelude::*;

use super::super::LogAddress;
use super::words::{icon, sentence, state};
use crate::components::{FoldedRest, HostTestsBadge, Icon, Moment};
use crate::pages::dialogs::{left_mark, pin_mark};
use crate::routes::Route;
use crate::time::rough;

/// How many rows are shown at first.
const ROWS: usize = 10;
/// How many happenings of a stretch are shown at first.
const HAPPENINGS: usize = 5;

/// Returns whether there is nothing to list.
pub(super) fn is_empty(detail: &HostDetail) -> bool {
    let past = &detail.timeline;
    past.stretches.is_empty() && past.happenings.is_empty() && generations(detail.plan.as_ref()).is_empty()
}

/// The generations of the profile, newest first.
fn generations(plan: Option<&RollbackPlan>) -> Vec<Candidate> {
    let Some(plan) = plan else { return vec![] };
    let mut all = plan.candidates.clone();
    // A current generation that does not run is among the candidates already.
    if !all.iter().any(Candidate::finishes_activation) {
        all.push(plan.current.clone());
    }
    all.sort_by_key(|candidate| Reverse(candidate.generation.number));
    all
}

/// Whose list it is.
#[derive(Clone, Copy)]
struct Reader<'a> {
    name: &'a str,
    host: &'a str,
    may_pin: bool,
}

/// Each stretch with its happenings, then what is older than the first. The newest stretch of a generation has
/// the way back to it.
pub(in super::super) fn list(detail: &HostDetail, log: LogAddress<'_>, reader: &Person) -> AnyView {
    if is_empty(detail) {
        return ().into_any();
    }
    let may_pin = reader.require_on(Action::SetUpHost, &detail.host.traits()).is_ok();
    let reader = Reader { name: &reader.name, host: &detail.host.name, may_pin };
    let mut generations = generations(detail.plan.as_ref());
    let mut rest = detail.timeline.happenings.as_slice();
    let mut rows = Vec::new();
    for stretch in detail.timeline.stretches.iter().rev() {
        let (own, earlier) = rest.split_at(rest.partition_point(|happening| happening.at >= stretch.from));
        let place = generations.iter().position(|c| c.generation.number == stretch.generation);
        let generation = place.map(|place| of_generation(generations.remove(place), reader));
        rows.push(ran(stretch, happenings(own, log), generation));
        rest = earlier;
    }
    if !rest.is_empty() {
        rows.push(
            view! { <li class="before"><span class="faint">"Before"</span>{happenings(rest, log)}</li> }
                .into_any(),
        );
    }
    rows.extend(generations.into_iter().map(|candidate| only_made(candidate, reader)));
    let older = rows.split_off(rows.len().min(ROWS));
    let count = older.len();
    let older = (count > 0)
        .then(|| view! { <FoldedRest id="older" count><ol class="timeline">{older}</ol></FoldedRest> });
    view! { <ol class="timeline">{rows}</ol> {older} }.into_any()
}

/// A stretch of time in which one generation ran.
fn ran(stretch: &Stretch, happenings: Option<AnyView>, generation: Option<AnyView>) -> AnyView {
    let began = match stretch.began {
        Began::Made => "made",
        Began::RolledBack => "after a rollback",
        Began::WentForward => "after going forward",
        // The badge states the result.
        Began::Tested => "",
    };
    let lasted = match stretch.to {
        Some(to) => format!(", for {}", rough(to - stretch.from)),
        None => ", until now".to_owned(),
    };
    let when = view! { <Moment at=stretch.from/>{lasted} };
    row(stretch, began, generation, when.into_any(), happenings)
}

/// A generation that is not known to have run.
fn only_made(candidate: Candidate, reader: Reader<'_>) -> AnyView {
    let made = candidate.generation.created_at;
    let stretch = Stretch {
        generation: candidate.generation.number,
        commit: candidate.generation.commit.clone(),
        from: made,
        to: Some(made),
        tests: candidate.tests,
        began: Began::Made,
    };
    let marks = of_generation(candidate, reader);
    row(&stretch, "", Some(marks), view! { <Moment at=made/> }.into_any(), None)
}

fn row(
    stretch: &Stretch,
    began: &'static str,
    generation: Option<AnyView>,
    when: AnyView,
    happenings: Option<AnyView>,
) -> AnyView {
    let state = state(stretch).as_str();
    let commit = stretch.commit.as_ref().map(|commit| format!(" ({commit})"));
    view! {
        <li data-state=state>
            <div class="timeline-head">
                <Icon name=state/>
                <span class="timeline-what">
                    <b>{format!("Gen {}", stretch.generation)}</b>
                    <span class="faint">{commit}</span>
                    <span class="faint began">{began}</span>
                    <HostTestsBadge tests=stretch.tests/>
                    {generation}
                </span>
                <span class="timeline-when">{when}</span>
            </div>
            {happenings}
        </li>
    }
    .into_any()
}

/// A generation's marks, its version, and the way back to it.
fn of_generation(candidate: Candidate, reader: Reader<'_>) -> AnyView {
    let host = reader.host;
    let unavailable = candidate.unavailable_reason();
    let way = if candidate.newer { "Go forward" } else { "Roll back" };
    let Candidate { generation, last_known_working, left, pin, marks, .. } = candidate;
    let number = generation.number;
    let pinning = match pin {
        _ if !reader.may_pin => None,
        Some(_) => Some(("Change pin", format!("Change the pin of Gen {number}"))),
        // Nobody can go back to it any more.
        None => unavailable.is_none().then(|| ("Pin", format!("Pin Gen {number}"))),
    };
    let action = match (generation.current, unavailable) {
        (true, _) => view! { <span class="faint">"current"</span> }.into_any(),
        (_, Some(why)) => view! { <span class="faint">{why}</span> }.into_any(),
        _ => view! {
            <a href=Route::RollbackHost { host, to: Some(number), from_host: true }.path() aria-label=format!("{way} to Gen {number}")>
                {way}
            </a>
        }
        .into_any(),
    };
    let mark = |is: bool, class: &'static str, words: &'static str| {
        is.then(|| view! { <span class=class>{words}</span> })
    };
    view! {
        {mark(generation.booted, "badge", "booted")}
        {mark(last_known_working, "badge good", "Last known working")}
        {pin.map(|pin| pin_mark(&pin))}
        {left.map(|left| left_mark(left, Some(reader.name)))}
        {marks.into_iter().map(|mark| view! { <span class="badge warn">{mark}</span> }).collect_view()}
        <bdi class="faint">{generation.version}</bdi>
        {action}
        {pinning.map(|(words, label)| view! { <a href=Route::Pin(host, number).path() aria-label=label>{words}</a> })}
    }
    .into_any()
}

/// What happened, newest first.
fn happenings(happenings: &[Happening], log: LogAddress<'_>) -> Option<AnyView> {
    let newest = happenings.first()?;
    let rows = |some: &[Happening]| some.iter().map(|happening| happened(happening, log)).collect_view();
    let (first, others) = happenings.split_at(happenings.len().min(HAPPENINGS));
    let more = (!others.is_empty()).then(|| {
        let (id, summary) = (format!("before-{}", newest.at.timestamp()), format!("{} more", others.len()));
        view! { <li><details id=id><summary>{summary}</summary><ol class="happened">{rows(others)}</ol></details></li> }
    });
    Some(view! { <ol class="happened">{rows(first)}{more}</ol> }.into_any())
}

fn happened(happening: &Happening, log: LogAddress<'_>) -> AnyView {
    let (words, icon) = (sentence(happening), icon(happening));
    let what = match happening.op {
        Some(op) => view! { <a href=log(op) data-noscroll="" data-log=op.to_string()>{words}</a> }.into_any(),
        None => view! { <span>{words}</span> }.into_any(),
    };
    let by = happening.by.as_ref().map(|by| view! { <span class="faint">{format!(", by {by}")}</span> });
    let why = happening.why.as_ref().map(|why| view! { <span class="faint">{format!(": {why}")}</span> });
    view! {
        <li data-look=super::layout::Look::of(happening).name()>
            <Icon name=icon/>
            <span class="timeline-what">{what}{by}{why}</span>
            " "
            <span class="timeline-when"><Moment at=happening.at/></span>
        </li>
    }
    .into_any()
}
