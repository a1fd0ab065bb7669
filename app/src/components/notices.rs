//! Notices of recent events.

use std::time::Duration;

use backstay_model::view::NOTICES_COUNTED;
use backstay_model::wire::event::Tone;
use leptos::prelude::*;

use crate::browser;
use crate::components::Icon;
use crate::live::{Live, ShownNotice};
use crate::routes::Route;

/// How long good news stays.
const STAY: Duration = Duration::from_secs(20);
/// How long bad news stays while the page is visible, unless it is dismissed or decided before.
const STAY_BAD: Duration = Duration::from_mins(2);
/// How long the first news waits for others, so that they are spoken together.
const GATHER: Duration = Duration::from_secs(1);
/// The time between two spoken summaries.
const SPEAK_EVERY: Duration = Duration::from_secs(10);

/// The notices, in a bar at the end of the page: they take space of their own.
#[component]
pub fn Notices() -> impl IntoView {
    let live = expect_context::<Live>();
    Effect::new(move |_| {
        browser::set_flag("toasts", live.notices().with(|shown| !shown.is_empty()));
        on_cleanup(|| browser::set_flag("toasts", false));
    });
    view! {
        <Spoken live/>
        <section class="notices" aria-label="Notices">
            <For each=move || live.notices().get() key=|n| n.key let:shown>
                <Toast live shown/>
            </For>
        </section>
    }
}

/// The only live region for notices: one summary at a time, however many there are.
#[component]
fn Spoken(live: Live) -> impl IntoView {
    let said = RwSignal::new(String::new());
    let (through, is_waiting) = (StoredValue::new(0), StoredValue::new(false));
    Effect::new(move |_| {
        let has_news = live.notices().with(|shown| shown.last().map(|n| n.key)) > Some(through.get_value());
        if has_news && !is_waiting.get_value() {
            is_waiting.set_value(true);
            set_timeout(move || speak(live, said, through, is_waiting), GATHER);
        }
    });
    view! { <p class="unseen" role="status">{said}</p> }
}

fn speak(live: Live, said: RwSignal<String>, through: StoredValue<u64>, is_waiting: StoredValue<bool>) {
    let Some(spoken) = through.try_get_value() else { return };
    let news = live.notices().with_untracked(|shown| {
        let news = shown.iter().filter(|shown| shown.key > spoken);
        news.map(|n| format!("{} {}.", n.subject(), n.text())).collect::<Vec<_>>().join(" ")
    });
    is_waiting.set_value(!news.is_empty());
    if !news.is_empty() {
        let newest = live.notices().with_untracked(|shown| shown.iter().map(|n| n.key).max());
        through.set_value(newest.unwrap_or(spoken));
        said.set(news);
        set_timeout(move || speak(live, said, through, is_waiting), SPEAK_EVERY);
    }
}

#[component]
fn Toast(live: Live, shown: ShownNotice) -> impl IntoView {
    let key = shown.key;
    let (tone, icon) = notice_tone(shown.notice.tone);
    let stay = if shown.notice.tone == Tone::Bad { STAY_BAD } else { STAY };
    Effect::new(move |_| leave_after(live, key, stay));
    let details = match (shown.notice.op, shown.hosts.len()) {
        (_, 2..) => Some(Route::Notices.path()),
        (op, _) => op.map(|op| Route::Op(op).path()),
    };
    let subject = (!shown.hosts.is_empty()).then(|| shown.subject());
    view! {
        <div class=format!("toast {tone}")>
            <Icon name=icon/>
            <p>
                {subject.map(|subject| view! { <b class="name">{subject}</b> " " })}
                <span>{shown.text().to_owned()}</span>
                {details.map(|href| view! { " " <a href=href>"Details"</a> })}
            </p>
            <button type="button" class="quiet" aria-label="Dismiss" on:click=move |_| live.dismiss(key)>
                <Icon name="close"/>
            </button>
        </div>
    }
    .into_any()
}

/// Dismisses a notice after a while. While nobody sees the page, it stays.
fn leave_after(live: Live, key: u64, stay: Duration) {
    let leave = move || {
        if browser::is_visible() {
            live.dismiss(key);
        } else {
            leave_after(live, key, stay);
        }
    };
    set_timeout(leave, stay);
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
        1..NOTICES_COUNTED => Some(unread.to_string()),
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
