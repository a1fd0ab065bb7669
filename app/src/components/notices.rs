//! Notices of recent events.

use std::time::Duration;

use backstay_model::view::NOTICES_COUNTED;
use backstay_model::wire::event::Tone;
use leptos::prelude::*;

use crate::browser;
use crate::components::Icon;
use crate::live::{Live, ShownNotice};
use crate::routes::Route;

/// How long good news stays; bad news stays until dismissed.
const STAY: Duration = Duration::from_secs(20);

/// The notices, in a live region that exists from the start.
#[component]
pub fn Notices() -> impl IntoView {
    let live = expect_context::<Live>();
    Effect::new(move |_| {
        browser::set_flag("toasts", live.notices().with(|shown| !shown.is_empty()));
        on_cleanup(|| browser::set_flag("toasts", false));
    });
    view! {
        <section class="notices" aria-label="Notices">
            <div role="status" aria-live="polite" aria-atomic="false" aria-relevant="additions">
                <For each=move || live.notices().get() key=|n| n.key let:shown>
                    <Toast shown/>
                </For>
            </div>
        </section>
    }
}

#[component]
fn Toast(shown: ShownNotice) -> impl IntoView {
    let live = expect_context::<Live>();
    let ShownNotice { key, notice } = shown;
    let (tone, icon) = notice_tone(notice.tone);
    if notice.tone != Tone::Bad {
        Effect::new(move |_| set_timeout(move || live.dismiss(key), STAY));
    }
    view! {
        <div class=format!("toast {tone}")>
            <Icon name=icon/>
            <p>
                {notice.host_name.map(|name| view! { <b class="name">{name}</b> " " })}
                <span>{notice.text}</span>
                {notice.op.map(|op| view! { " " <a href=Route::Op(op).path()>"Details"</a> })}
            </p>
            <button type="button" class="quiet" aria-label="Dismiss" on:click=move |_| live.dismiss(key)>
                <Icon name="close"/>
            </button>
        </div>
    }
}

/// The class and the icon of a notice.
pub(crate) fn notice_tone(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Good => ("good", "ok"),
        Tone::Neutral => ("neutral", "anchor"),
        Tone::Bad => ("bad", "failed"),
    }
}

/// Key under which this browser remembers the last read notice.
const READ: &str = "backstay.notices-read";

/// Marks the notices up to this number as read.
pub(crate) fn mark_notices_read(live: Live, through: u64) {
    if live.read_notice().get_untracked().is_none_or(|read| read < through) {
        live.read_notice().set(Some(through));
        browser::store_value(READ, &through.to_string());
    }
}

/// The number of unread notices in words. `None` if there are none.
fn count(unread: usize) -> Option<String> {
    match unread {
        0 => None,
        ..NOTICES_COUNTED => Some(unread.to_string()),
        _ => Some(format!("{NOTICES_COUNTED}+")),
    }
}

/// Links to the list of notices, and says how many are unread.
#[component]
pub fn NoticesLink() -> impl IntoView {
    let live = expect_context::<Live>();
    Effect::new(move |_| {
        let read = browser::stored_value(READ).and_then(|number| number.parse().ok());
        live.read_notice().set(Some(read.unwrap_or_default()));
    });
    let unread = Memo::new(move |_| count(live.unread_notices()));
    let name =
        move || unread.get().map_or_else(|| "Notices".to_owned(), |count| format!("Notices ({count} new)"));
    view! {
        <a class="quiet bell" href=Route::Notices.path() aria-label=name title=name>
            <Icon name="bell"/>
            {move || unread.get().map(|count| view! { <span class="bell-count">{count}</span> })}
        </a>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bell_counts_to_twenty() {
        let counts = [0, 1, 3, 19, 20].map(count);
        assert_eq!(counts, [None, Some("1".into()), Some("3".into()), Some("19".into()), Some("20+".into())]);
    }
}
