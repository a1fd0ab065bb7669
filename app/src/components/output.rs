//! An op's output, as it comes.

use backstay_protocol::OutputLine;
use leptos::html;
use leptos::prelude::*;

/// An op's lines. While one reads the end, the end stays in view.
#[component]
pub fn Output(
    /// The lines, in order.
    lines: RwSignal<Vec<OutputLine>>,
) -> impl IntoView {
    let element = NodeRef::<html::Div>::new();
    let follows = StoredValue::new(true);
    Effect::new(move |_| {
        lines.track();
        if let Some(element) = element.get().filter(|_| follows.get_value()) {
            element.set_scroll_top(element.scroll_height());
        }
    });
    let scrolled = move |_| {
        if let Some(element) = element.get_untracked() {
            let below = element.scroll_height() - element.scroll_top() - element.client_height();
            follows.set_value(below < 24);
        }
    };
    view! {
        <div class="output" role="log" aria-label="Output" tabindex="0" node_ref=element on:scroll=scrolled>
            <For each=move || lines.get() key=|line| line.seq let:line>
                <div class="line" data-stream=line.stream.as_str() data-seq=line.seq>{line.text}</div>
            </For>
        </div>
    }
    .into_any()
}
