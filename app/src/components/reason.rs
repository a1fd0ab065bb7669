//! The reason for an op: the field that asks for it, and the words where it is shown.

use backstay_model::wire::limits::REASON_CHARS;
use leptos::html;
use leptos::prelude::*;

use crate::browser;

/// Name of a draft in the tab's storage.
fn key(draft: &str) -> String {
    format!("backstay.reason.{draft}")
}

/// Asks why, for the audit log.
#[component]
pub(crate) fn ReasonField(
    /// The name under which the tab keeps what was typed, in case the dialog is closed; it is not kept without
    /// one.
    #[prop(optional, into)]
    draft: Option<String>,
) -> impl IntoView {
    let field = NodeRef::<html::Textarea>::new();
    let kept = draft.clone();
    Effect::new(move |_| {
        let draft = kept.as_deref().and_then(|draft| browser::session_value(&key(draft)));
        // A person may have typed before the page was hydrated.
        if let (Some(field), Some(draft)) = (field.get(), draft)
            && field.value().is_empty()
        {
            field.set_value(&draft);
        }
    });
    let keep = move |event| {
        if let Some(draft) = &draft {
            browser::set_session_value(&key(draft), &event_target_value(&event));
        }
    };
    view! {
        <label class="reason">
            <span>"Reason "<span class="faint">"(optional, kept in the audit log)"</span></span>
            <textarea name="reason" rows="3" maxlength=REASON_CHARS.to_string() autocomplete="off" node_ref=field on:input=keep></textarea>
        </label>
    }
}

/// Forgets the draft of a reason that was sent.
pub(crate) fn forget_draft(draft: &str) {
    browser::set_session_value(&key(draft), "");
}

/// A text with its web addresses as links. They lead away from Backstay, and do not tell where from.
pub(crate) fn linked(text: &str) -> AnyView {
    let pieces = pieces(text).into_iter().map(|(piece, is_address)| {
        let shown = piece.to_owned();
        if is_address {
            view! { <a href=piece.to_owned() rel="noreferrer">{shown}</a> }.into_any()
        } else {
            shown.into_any()
        }
    });
    pieces.collect_view().into_any()
}

/// Splits a text into pieces, each with whether it is a web address. A sentence's punctuation after an address
/// is not part of it.
fn pieces(text: &str) -> Vec<(&str, bool)> {
    let mut pieces = vec![];
    let mut rest = text;
    while let Some(at) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let (before, address) = rest.split_at(at);
        let end = address.find(|c: char| c.is_whitespace() || "<>\"”“".contains(c)).unwrap_or(address.len());
        let address = address[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'']);
        if !before.is_empty() {
            pieces.push((before, false));
        }
        pieces.push((address, !address.ends_with("://")));
        rest = &rest[at + address.len()..];
    }
    if !rest.is_empty() {
        pieces.push((rest, false));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_a_text_are_found() {
        let found = |text: &'static str| -> Vec<_> {
            pieces(text).into_iter().filter(|(_, is_address)| *is_address).map(|(piece, _)| piece).collect()
        };
        assert_eq!(
            found("X11 is dead (https://forum.example/t/1?a=b#c)."),
            ["https://forum.example/t/1?a=b#c"]
        );
        assert_eq!(found("http://a.example, https://b.example!"), ["http://a.example", "https://b.example"]);
        for none in ["", "no address", "javascript:alert(1)", "ftp://a.example", "https://", "see http://."] {
            assert_eq!(found(none), Vec::<&str>::new(), "{none}");
        }
    }

    #[test]
    fn the_pieces_are_the_text() {
        for text in ["", "a https://b.example/c. d", "https://a http://b", "https:// x", "ü https://ü"] {
            assert_eq!(pieces(text).into_iter().map(|(piece, _)| piece).collect::<String>(), text);
        }
    }

    #[test]
    fn a_reason_is_text() {
        let html = linked("<b>https://a.example/\"onclick=x</b>").to_html();
        assert!(
            !html.contains("<b>") && html.contains(r#"href="https://a.example/" rel="noreferrer""#),
            "{html}"
        );
    }
}
