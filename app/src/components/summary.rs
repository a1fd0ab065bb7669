//! The fleet at a glance.

use backstay_protocol::{HostView, State};
use leptos::prelude::*;

use crate::components::Icon;
use crate::live::Live;

/// How many hosts are how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    all: usize,
    fine: usize,
    attention: usize,
    failed: usize,
    offline: usize,
}

impl Counts {
    /// Counts each host once, by the worst that is to be said of it.
    fn add(&mut self, host: &HostView) {
        self.all += 1;
        let lights = host.compartments.named();
        let any = |states: &[State]| lights.iter().any(|(_, light)| states.contains(&light.state));
        if !host.online {
            self.offline += 1;
        } else if any(&[State::Failed]) {
            self.failed += 1;
        } else if any(&[State::Attention, State::Working]) {
            self.attention += 1;
        } else {
            self.fine += 1;
        }
    }
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
            <Count name="Hosts" icon="anchor" count=Signal::derive(move || counts.get().all)/>
            <Count name="Fine" icon="ok" count=Signal::derive(move || counts.get().fine)/>
            <Count name="Attention" icon="attention" count=Signal::derive(move || counts.get().attention)/>
            <Count name="Failed" icon="failed" count=Signal::derive(move || counts.get().failed)/>
            <Count name="Offline" icon="unknown" count=Signal::derive(move || counts.get().offline)/>
        </dl>
    }
    .into_any()
}

#[component]
fn Count(name: &'static str, icon: &'static str, count: Signal<usize>) -> impl IntoView {
    view! {
        <div data-count=name.to_lowercase() class:none=move || count.get() == 0>
            <dt><Icon name=icon/>{name}</dt>
            <dd>{count}</dd>
        </div>
    }
}
