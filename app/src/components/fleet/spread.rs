//! Which commit runs where, and a picture of a large fleet.

use leptos::prelude::*;

use super::address::{FleetAddress, asking};
use super::answer::of_fleet;
use crate::fleet::{Counts, HostStatus, Strip, Tally};
use crate::live::Live;

/// Number of commits that are named.
const COMMITS: usize = 6;
/// More hosts than this have a picture.
const FEW: usize = 20;

/// The commits that hosts run, each a filter for its hosts, and a strip with a cell for each host of a large
/// fleet. Small fleets show it only if their commits differ.
#[component]
pub(crate) fn Spread(live: Live) -> impl IntoView {
    let tally = move || {
        of_fleet(live, |tally: &mut Tally, host| {
            if let Some(generation) = &host.generation {
                tally.add(generation);
            }
        })
    };
    let commits = Memo::new(move |_| tally().commits());
    let many = Memo::new(move |_| live.rows().with(Vec::len) > FEW);
    let says_something = Memo::new(move |_| many.get() || commits.with(Vec::len) > 1);
    let chips = move || commits.get().into_iter().take(COMMITS).map(chip).collect::<Vec<_>>();
    let others = move || commits.with(Vec::len).saturating_sub(COMMITS);
    move || {
        says_something.get().then(|| {
            view! {
                <section class="spread" aria-label="Which commit runs where">
                    {move || many.get().then(|| picture(live))}
                    <ul class="commits">
                        {chips}
                        {move || (others() > 0).then(|| view! { <li class="faint">{format!("and {} others", others())}</li> })}
                    </ul>
                </section>
            }
        })
    }
}

fn chip((commit, hosts): (String, usize)) -> AnyView {
    let query = format!("commit:{commit}");
    let current = {
        let (address, query) = (use_context::<FleetAddress>(), query.clone());
        move || address.is_some_and(|address| address.asks(&query)).then_some("true")
    };
    view! {
        <li><a class="tag" href=move || asking(&query) aria-current=current><code>{commit}</code>{format!(" · {hosts}")}</a></li>
    }
    .into_any()
}

/// The strip. One outline for each status, however many hosts there are.
fn picture(live: Live) -> AnyView {
    let strip = Memo::new(move |_| {
        let hosts = of_fleet(live, |hosts: &mut Vec<_>, host| hosts.push(HostStatus::of(host)));
        Strip::of(&hosts)
    });
    let words = move || of_fleet(live, Counts::add).by_status_in_words();
    let size = move || strip.with(Strip::size);
    let paths = HostStatus::ALL.map(|status| {
        let outline = Memo::new(move |_| strip.with(|strip| strip.path(status)));
        view! { <path data-status=status.as_str() d=outline></path> }
    });
    view! {
        <svg
            class="fleet-strip"
            role="img"
            aria-label=words
            preserveAspectRatio="none"
            viewBox=move || format!("0 0 {} {}", size().0, size().1)
            height=move || (size().1 * 8).to_string()
        >
            {paths}
        </svg>
    }
    .into_any()
}
