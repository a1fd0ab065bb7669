//! The head of the page: what runs and since when, and what people noted about the host.

use backstay_model::Labels;
use backstay_model::view::HostDetail;
use leptos::prelude::*;

use super::timeline::since_words;
use crate::components::{GenerationName, HostTestsBadge, Moment, asking};

/// The running generation, since when it works or fails, the tags, and the notes.
pub(super) fn now(detail: &HostDetail) -> AnyView {
    view! { <div>{running(detail)}</div> <div>{labels(&detail.labels)}</div> }.into_any()
}

fn running(detail: &HostDetail) -> AnyView {
    let Some(generation) = detail.host.generation.clone() else {
        return view! { <p class="faint">"Not reported yet."</p> }.into_any();
    };
    let since = detail
        .timeline
        .stretches
        .last()
        .map(|stretch| view! { {since_words(stretch)}" "<Moment at=stretch.from/>" · " });
    view! {
        <p class="choice-head"><GenerationName generation=generation.clone()/>" "<HostTestsBadge tests=detail.host.tests/></p>
        <p class="faint">{since}"made "<Moment at=generation.created_at/></p>
        <p class="path"><code>{generation.store_path}</code></p>
    }
    .into_any()
}

fn labels(Labels { tags, notes }: &Labels) -> AnyView {
    let tag = |tag: &String| view! { <a class="tag" href=asking(&format!("tag:{tag}"))><bdi>{tag.clone()}</bdi></a> };
    let tags =
        (!tags.is_empty()).then(|| view! { <p class="tags">{tags.iter().map(tag).collect_view()}</p> });
    let notes = (!notes.is_empty()).then(|| view! { <p class="host-notes" dir="auto">{notes.clone()}</p> });
    view! { {tags}{notes} }.into_any()
}
