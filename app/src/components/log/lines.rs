//! The lines of a log. Updates are minimal: a new line changes its block, a search changes the lines with
//! matches, and browsers paint only visible blocks.

use std::sync::Arc;

use leptos::prelude::*;

use crate::ansi::{Highlight, html};
use crate::browser::time_of_day;
use crate::log::{BLOCK, Block, Finder, Line};

/// A block of lines.
#[component]
pub(super) fn BlockOfLines(block: Block, finder: Finder, times: RwSignal<bool>) -> impl IntoView {
    let Block { number, lines } = block;
    let full = {
        let lines = lines.clone();
        Memo::new(move |_| lines.with(|lines| lines.len() as u64 == BLOCK))
    };
    let marks = Memo::new(move |_| finder.marks(number * BLOCK, (number + 1) * BLOCK));
    view! {
        <div class="block" class:full=full>
            <For each=move || lines.get() key=|line| line.seq let:line>
                <OneLine line marks times/>
            </For>
        </div>
    }
}

#[component]
fn OneLine(line: Arc<Line>, marks: Memo<Vec<(u64, Highlight)>>, times: RwSignal<bool>) -> impl IntoView {
    let (seq, stream, at) = (line.seq, line.stream.as_str(), line.at);
    let inner = move || {
        let marks = marks.with(|all| {
            let own = all.iter().filter(|(of, _)| *of == seq);
            own.map(|(_, mark)| mark.clone()).collect::<Vec<_>>()
        });
        // Empty: the style sheet writes the number, so that no copy of the text contains it.
        format!(
            "<a class=\"n\" href=\"#L{seq}\" tabindex=\"-1\" aria-hidden=\"true\"></a>{}",
            html(&line.spans, &marks)
        )
    };
    // Times are in the browser's time zone, so they appear only when a person turns them on there.
    let time = move || times.get().then(|| time_of_day(at));
    view! { <div class="line" id=format!("L{seq}") data-stream=stream data-seq=seq data-at=time inner_html=inner></div> }
}
