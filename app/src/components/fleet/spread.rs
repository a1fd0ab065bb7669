//! Which commit runs where, and a picture of a large fleet.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::address::{FleetAddress, asking};
use super::answer::of_fleet;
use crate::browser;
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

/// The strip: one outline for each status, however many hosts there are, which links to its hosts.
fn picture(live: Live) -> AnyView {
    let strip = Memo::new(move |_| {
        let hosts = of_fleet(live, |hosts: &mut Vec<_>, host| hosts.push(HostStatus::of(host)));
        Strip::of(&hosts)
    });
    let words = move || of_fleet(live, Counts::add).by_status_in_words();
    let size = move || strip.with(Strip::size);
    let links = HostStatus::ALL.map(|status| {
        let outline = Memo::new(move |_| strip.with(|strip| strip.path(status)));
        let query = format!("status:{}", status.as_str());
        // Without hosts it is no link, so that the keyboard passes it by.
        let href = Memo::new(move |_| outline.with(|outline| !outline.is_empty()).then(|| asking(&query)));
        let name = move || href.with(Option::is_some).then(|| format!("Show hosts: {}", status.title()));
        // In a group, so that the link is one of SVG and not of HTML.
        view! { <g><a href=href aria-label=name><path data-status=status.as_str() d=outline></path></a></g> }
    });
    let navigate = use_navigate();
    // The router follows HTML links alone.
    let follow = move |event: MouseEvent| {
        if let Some(address) = browser::plain_click_on_svg_link(&event) {
            event.prevent_default();
            navigate(&address, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    view! {
        <svg
            class="fleet-strip"
            role="group"
            aria-label=words
            on:click=follow
            preserveAspectRatio="none"
            viewBox=move || format!("0 0 {} {}", size().0, size().1)
            height=move || (size().1 * 8).to_string()
        >
            {links}
        </svg>
    }
    .into_any()
}
