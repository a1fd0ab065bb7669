//! The head of the page: what runs and since when, and what people noted about the host.

use backstay_model::view::HostDetail;
use leptos::prelude::*;

use super::timeline::since_words;
use crate::components::{GenerationName, HostTestsBadge, Moment, asking};

/// The running generation, since when it works or fails, the tags, and the notes.
#[component]
pub(super) fn Now(detail: RwSignal<HostDetail>) -> impl IntoView {
    let shown = Memo::new(move |_| {
        detail.with(|d| (d.host.generation.clone(), d.host.tests, d.timeline.stretches.last().cloned()))
    });
    let labels = Memo::new(move |_| detail.with(|d| d.labels.clone()));
    let running = move || {
        match shown.get() {
        (Some(generation), tests, stretch) => view! {
            <p class="choice-head"><GenerationName generation=generation.clone()/>" "<HostTestsBadge tests/></p>
            <p class="choice-facts">
                {stretch.map(|stretch| view! { {since_words(&stretch)}" "<Moment at=stretch.from/>" · " })}
                "made "<Moment at=generation.created_at/>
            </p>
            <p class="path"><code>{generation.store_path}</code></p>
        }
        .into_any(),
        (None, ..) => view! { <p class="faint">"Not reported yet."</p> }.into_any(),
    }
    };
    let notes = move || {
        let notes = labels.with(|labels| labels.notes.clone());
        (!notes.is_empty()).then(|| view! { <p class="host-notes" dir="auto">{notes}</p> })
    };
    let tags = move || {
        let tags = labels.with(|labels| labels.tags.clone());
        let tag = |tag: String| view! { <a class="tag" href=asking(&format!("tag:{tag}"))><bdi>{tag.clone()}</bdi></a> };
        (!tags.is_empty()).then(|| view! { <p class="tags">{tags.into_iter().map(tag).collect_view()}</p> })
    };
    view! {
        <section class="card host-now" aria-label="Current generation">
            <div>{running}</div>
            <div>{tags}{notes}</div>
        </section>
    }
}
