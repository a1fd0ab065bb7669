//! The head of the fleet page: whether the fleet works, and the way back for hosts that do not.

use backstay_model::HostView;
use leptos::prelude::*;

use super::address::asking;
use crate::components::{Ago, Icon, Moment, OpLink};
use crate::fleet::{Answer, Broken};
use crate::live::Live;
use crate::routes::Route;

/// The state of the whole fleet, summed over its hosts.
pub(super) fn of_fleet<T: Default>(live: Live, mut add: impl FnMut(&mut T, &HostView)) -> T {
    let mut all = T::default();
    live.each_host(|host| add(&mut all, host));
    all
}

/// Whether the fleet works.
pub(crate) fn fleet_answer(live: Live) -> Memo<Answer> {
    Memo::new(move |_| of_fleet(live, Answer::add))
}

/// Whether the fleet works, as the heading of the page.
#[component]
pub(crate) fn FleetAnswer(answer: Memo<Answer>) -> impl IntoView {
    let state = Signal::derive(move || answer.with(|answer| answer.state().as_str()));
    view! {
        <h1 class="answer" data-state=state>
            <Icon name=state/>
            <span>{move || answer.with(Answer::words)}</span>
        </h1>
    }
}

/// The first broken hosts, each with its reason and the way back, and a link to the others.
#[component]
pub(crate) fn BrokenHosts(answer: Memo<Answer>) -> impl IntoView {
    let more = Memo::new(move |_| answer.with(Answer::more));
    let none = Memo::new(move |_| answer.with(|answer| answer.named.is_empty()));
    let named = move || answer.with(|answer| answer.named.clone());
    let key = |it: &Broken| (it.name.clone(), it.trouble.clone(), it.op.as_ref().map(|op| op.id));
    move || {
        (!none.get()).then(|| {
            view! {
                <ul class="broken" aria-label="Broken hosts">
                    <For each=named key=key children=broken/>
                    {move || (more.get() > 0).then(|| view! {
                        <li><a href=asking("is:broken")>{move || format!("+{} more", more.get())}</a></li>
                    })}
                </ul>
            }
        })
    }
}

fn broken(Broken { name, trouble, op }: Broken) -> AnyView {
    let since = trouble.since.map(|at| view! { ", "<Ago at/> });
    let until =
        trouble.worked_until.map(|at| view! { <span class="faint">"worked until "<Moment at/></span> });
    let host = Route::Host(&name).path();
    let rollback = Route::RollbackHost { host: &name, to: trouble.way_back, from_host: false }.path();
    let label = match trouble.way_back {
        Some(number) => format!("Rollback to Gen {number}"),
        None => "Rollback System".to_owned(),
    };
    let way_back = match op {
        Some(op) => view! { <span>"Under way: "<OpLink op/></span> }.into_any(),
        None => view! {
            <a class="button primary" id=format!("way-back-{name}") href=rollback>
                <Icon name="rollback"/><span class="unseen">{format!("{name}: ")}</span>{label}
            </a>
            {until}
        }
        .into_any(),
    };
    view! {
        <li data-broken=name.clone()>
            <p><b>{name.clone()}</b>" "<a href=host><bdi>{trouble.what}</bdi></a>{since}</p>
            <p class="way-back">{way_back}</p>
        </li>
    }
    .into_any()
}
