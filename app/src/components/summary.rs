//! The fleet at a glance.

use backstay_protocol::HostView;
use leptos::prelude::*;

use crate::components::Icon;
use crate::fleet::Standing;
use crate::live::Live;

/// How many hosts there are, and how many of them are how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    all: usize,
    by_standing: [usize; Standing::ALL.len()],
}

impl Counts {
    fn add(&mut self, host: &HostView) {
        self.all += 1;
        self.by_standing[place(Standing::of(host))] += 1;
    }
}

fn place(standing: Standing) -> usize {
    Standing::ALL.iter().position(|s| *s == standing).expect("every standing is listed")
}

/// How many hosts there are, and how many of them are how.
#[component]
pub fn Summary() -> impl IntoView {
    let live = expect_context::<Live>();
    let counts = Memo::new(move |_| {
        let mut counts = Counts::default();
        live.rows().with(|rows| rows.iter().for_each(|row| row.host.with(|host| counts.add(host))));
        counts
    });
    view! {
        <dl class="summary" aria-label="Fleet">
            <Count name="Hosts" icon="anchor" href="/".to_owned() count=Signal::derive(move || counts.get().all)/>
            {[
                (Standing::Fine, "Fine", "ok"),
                (Standing::Attention, "Attention", "attention"),
                (Standing::Failed, "Failed", "failed"),
                (Standing::Offline, "Offline", "unknown"),
            ]
                .map(|(standing, name, icon)| {
                    let count = Signal::derive(move || counts.get().by_standing[place(standing)]);
                    view! { <Count name icon href=format!("/?q=status:{}", standing.as_str()) count/> }
                })}
        </dl>
    }
    .into_any()
}

#[component]
fn Count(name: &'static str, icon: &'static str, href: String, count: Signal<usize>) -> impl IntoView {
    view! {
        <div data-count=name.to_lowercase() class:none=move || count.get() == 0>
            <dt><Icon name=icon/><a href=href>{name}</a></dt>
            <dd>{count}</dd>
        </div>
    }
}
