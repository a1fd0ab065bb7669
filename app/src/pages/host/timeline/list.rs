//! The picture's content as text: which generation ran, and what happened in that time, newest first.

use backstay_model::timeline::{Began, Happening, Stretch};
use leptos::prelude::*;

use super::words::{icon, sentence, state};
use crate::components::{HostTestsBadge, Icon, Moment, use_log_address};
use crate::time::rough;

/// How many stretches are shown at first.
const STRETCHES: usize = 5;
/// How many happenings of a stretch are shown at first.
const HAPPENINGS: usize = 5;

/// The content of the list. Unlike the timeline, it does not change as time passes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed {
    /// Oldest first.
    pub(super) stretches: Vec<Stretch>,
    /// Newest first.
    pub(super) happenings: Vec<Happening>,
}

/// Each stretch with its happenings, and the happenings before the first.
#[component]
pub(super) fn List(listed: Memo<Listed>) -> impl IntoView {
    let open = RwSignal::new(false);
    move || {
        let Listed { stretches, happenings } = listed.get();
        let mut rest = happenings;
        let mut rows = Vec::new();
        for stretch in stretches.into_iter().rev() {
            let earlier = rest.split_off(rest.partition_point(|happening| happening.at >= stretch.from));
            rows.push(view! { <Row stretch happenings=rest/> }.into_any());
            rest = earlier;
        }
        if !rest.is_empty() {
            rows.push(view! { <li class="before"><span class="faint">"Before"</span><Happenings happenings=rest/></li> }.into_any());
        }
        let older = rows.split_off(rows.len().min(STRETCHES));
        let older = (!older.is_empty()).then(|| {
            let count = older.len();
            view! {
                <details
                    class="timeline-older"
                    prop:open=move || open.get_untracked()
                    on:toggle=move |event| open.set(crate::browser::is_open(&event))
                >
                    <summary>{format!("{count} older")}</summary>
                    <ol class="timeline">{older}</ol>
                </details>
            }
        });
        view! { <ol class="timeline">{rows}</ol> {older} }.into_any()
    }
}

#[component]
fn Row(stretch: Stretch, happenings: Vec<Happening>) -> impl IntoView {
    let began = match stretch.began {
        Began::Made => "made ",
        Began::RolledBack => "rolled back to ",
        // The badge states the result.
        Began::Tested => "",
    };
    let lasted = match stretch.to {
        Some(to) => format!("for {}", rough(to - stretch.from)),
        None => "until now".to_owned(),
    };
    let state = state(&stretch).as_str();
    let commit = stretch.commit.as_ref().map(|commit| format!(" ({commit})"));
    view! {
        <li data-state=state>
            <div class="timeline-head">
                <Icon name=state/>
                <span class="timeline-what">
                    <b>{format!("Gen {}", stretch.generation)}</b>
                    <span class="faint">{commit}</span>
                    " "
                    <span class="faint">{began}</span>
                    <HostTestsBadge tests=stretch.tests/>
                </span>
                " "
                <span class="timeline-when"><Moment at=stretch.from/>", "{lasted}</span>
            </div>
            <Happenings happenings/>
        </li>
    }
}

/// What happened, newest first.
#[component]
fn Happenings(happenings: Vec<Happening>) -> impl IntoView {
    if happenings.is_empty() {
        return ().into_any();
    }
    let mut rows: Vec<_> = happenings.into_iter().map(|happening| view! { <Happened happening/> }).collect();
    let more = rows.split_off(rows.len().min(HAPPENINGS));
    let more = (!more.is_empty()).then(|| {
        let summary = format!("{} more", more.len());
        view! { <li><details><summary>{summary}</summary><ol class="happened">{more}</ol></details></li> }
    });
    view! { <ol class="happened">{rows}{more}</ol> }.into_any()
}

#[component]
fn Happened(happening: Happening) -> impl IntoView {
    let log_address = use_log_address();
    let (words, icon) = (sentence(&happening), icon(&happening));
    let what = match happening.op {
        Some(op) => view! {
            <a href=move || log_address(op) data-noscroll="" data-log=op.to_string()>{words}</a>
        }
        .into_any(),
        None => view! { <span>{words}</span> }.into_any(),
    };
    let look = super::layout::Look::of(&happening).name();
    view! {
        <li data-look=look>
            <Icon name=icon/>
            <span class="timeline-what">
                {what}
                {happening.by.map(|by| view! { <span class="faint">{format!(", by {by}")}</span> })}
                {happening.why.map(|why| view! { <span class="faint">{format!(": {why}")}</span> })}
            </span>
            " "
            <span class="timeline-when"><Moment at=happening.at/></span>
        </li>
    }
}
