//! The fleet at a glance.

use leptos::prelude::*;

use super::address::{FleetAddress, asking};
use super::answer::of_fleet;
use crate::components::Icon;
use crate::fleet::{Counts, HostStatus};
use crate::live::Live;

/// The number of hosts, in all and by status. Each count links to its hosts, in the page's order and groups.
#[component]
pub fn Summary() -> impl IntoView {
    let live = expect_context::<Live>();
    let counts = Memo::new(move |_| of_fleet(live, Counts::add));
    view! {
        <dl class="summary" aria-label="Fleet">
            <Count
                word="hosts"
                name="Hosts"
                meaning="Every host"
                icon="anchor"
                query=String::new()
                count=Signal::derive(move || counts.with(Counts::all))
            />
            {[HostStatus::Fine, HostStatus::Due, HostStatus::Failed, HostStatus::Offline]
                .map(|status| view! {
                    <Count
                        word=status.as_str()
                        name=status.title()
                        meaning=status.meaning()
                        icon=status.icon()
                        query=format!("status:{}", status.as_str())
                        count=Signal::derive(move || counts.with(|counts| counts.of(status)))
                    />
                })}
        </dl>
    }
}

#[component]
fn Count(
    word: &'static str,
    name: &'static str,
    meaning: &'static str,
    icon: &'static str,
    query: String,
    count: Signal<usize>,
) -> impl IntoView {
    let address = use_context::<FleetAddress>();
    let current = {
        let query = query.clone();
        move || address.is_some_and(|address| address.asks(&query)).then_some("true")
    };
    let href = Memo::new(move |_| asking(&query));
    view! {
        <div data-count=word class:none=move || count.get() == 0>
            <dt>
                <Icon name=icon/>
                <a href=href title=meaning aria-current=current aria-label=move || format!("{name}: {}", count.get())>
                    {name}
                </a>
            </dt>
            <dd>{count}</dd>
        </div>
    }
}
