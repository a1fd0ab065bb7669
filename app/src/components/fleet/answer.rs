//! The head of the fleet page: whether the fleet works, and the way back for hosts that do not.

use backstay_model::HostView;
use leptos::prelude::*;

use super::address::asking;
use crate::browser;
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

/// The names of the broken hosts that are listed. A host that breaks while a person looks waits for their
/// click, so that the list pushes nothing away from under their finger.
#[derive(Clone, Copy)]
pub(crate) struct Listed(RwSignal<Vec<String>>);

impl Listed {
    /// All that are broken now.
    pub(crate) fn now(answer: Memo<Answer>) -> Self {
        Self(RwSignal::new(answer.with_untracked(Answer::names)))
    }

    fn all_of(self, answer: &Answer) -> bool {
        self.0.with(|listed| answer.named.iter().all(|it| listed.contains(&it.name)))
    }

    fn of(self, answer: &Answer) -> Vec<Broken> {
        self.0.with(|listed| answer.named.iter().filter(|it| listed.contains(&it.name)).cloned().collect())
    }
}

/// Whether the fleet works, as the heading of the page. It is a button while broken hosts are not listed.
#[component]
pub(crate) fn FleetAnswer(answer: Memo<Answer>, listed: Listed) -> impl IntoView {
    let state = Signal::derive(move || answer.with(|answer| answer.state().as_str()));
    let words = Memo::new(move |_| answer.with(Answer::words));
    let all = Memo::new(move |_| answer.with(|answer| listed.all_of(answer)));
    let list = move |_| {
        let names = answer.with_untracked(Answer::names);
        // The button is gone then.
        let focus = names.first().map(|name| format!("way-back-{name}")).unwrap_or_default();
        listed.0.set(names);
        request_animation_frame(move || browser::focus(&focus));
    };
    view! {
        <h1 class="answer" data-state=state>
            <Icon name=state/>
            {move || if all.get() {
                view! { <span>{words}</span> }.into_any()
            } else {
                view! {
                    <button type="button" title="List the broken hosts" on:click=list>{words}<Icon name="down"/></button>
                }
                .into_any()
            }}
        </h1>
    }
}

/// The first broken hosts, each with its reason and the way back, and a link to the others.
#[component]
pub(crate) fn BrokenHosts(answer: Memo<Answer>, listed: Listed) -> impl IntoView {
    let more = Memo::new(move |_| answer.with(Answer::more));
    let named = Memo::new(move |_| answer.with(|answer| listed.of(answer)));
    let none = Memo::new(move |_| named.with(Vec::is_empty));
    let named = move || named.get();
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
