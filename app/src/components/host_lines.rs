//! A list with a line per host that stays short, however many hosts there are.

use std::sync::Arc;

use leptos::prelude::*;

/// Number of hosts up to which all have a line, and number of lines that are not folded.
pub(crate) const FEW_LINES: usize = 20;

/// Draws the line of a host.
pub(crate) type HostLine = Arc<dyn Fn(String) -> AnyView + Send + Sync>;

/// The lines of these hosts. Those after the first [`FEW_LINES`] are folded: “and 317 more”.
pub(crate) fn host_lines(label: &'static str, names: Memo<Vec<String>>, line: HostLine) -> AnyView {
    let more = Memo::new(move |_| names.with(|names| names.len().saturating_sub(FEW_LINES)));
    let first = move || names.with(|names| names.iter().take(FEW_LINES).cloned().collect::<Vec<_>>());
    let rest = move || names.with(|names| names.iter().skip(FEW_LINES).cloned().collect::<Vec<_>>());
    let is_folded = Memo::new(move |_| more.get() > 0);
    let folded_line = line.clone();
    view! {
        {list(label, Signal::derive(first), line)}
        {move || is_folded.get().then(|| view! {
            <details class="folded">
                <summary>{move || format!("and {} more", more.get())}</summary>
                {list("Other hosts", Signal::derive(rest), folded_line.clone())}
            </details>
        })}
    }
    .into_any()
}

fn list(label: &'static str, names: Signal<Vec<String>>, line: HostLine) -> AnyView {
    view! {
        <ul class="host-lines" aria-label=label>
            <For each=move || names.get() key=Clone::clone children=move |name| line(name)/>
        </ul>
    }
    .into_any()
}
