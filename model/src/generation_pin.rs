//! Marks that people put on generations.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::GenerationRef;
use crate::wire::limits::is_deceptive;

/// Upper bound on the note of a pin, in characters.
pub const PIN_NOTE_CHARS: usize = 200;

/// A person's mark on a generation: “keep this one in mind”. It is for people alone. It decides nothing about
/// last known working, and keeps no build on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationPin {
    /// The generation.
    pub generation: GenerationRef,
    /// The person who pinned it.
    pub by: String,
    /// When that was.
    pub at: DateTime<Utc>,
    /// Why, on one line; may be empty.
    pub note: String,
}

impl GenerationPin {
    /// What the mark says: “Pinned by maria: before the new kernel”.
    pub fn words(&self) -> String {
        let Self { by, note, .. } = self;
        if note.is_empty() { format!("Pinned by {by}") } else { format!("Pinned by {by}: {note}") }
    }
}

/// Parses the note of a pin: one line. `None` if it is longer than [`PIN_NOTE_CHARS`].
pub fn parse_pin_note(text: &str) -> Option<String> {
    let note = text.trim().replace(is_deceptive, "\u{fffd}");
    (note.chars().count() <= PIN_NOTE_CHARS).then_some(note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_note_is_one_short_line() {
        assert_eq!(parse_pin_note(" before the new kernel ").as_deref(), Some("before the new kernel"));
        assert_eq!(parse_pin_note("one\ntwo").as_deref(), Some("one\u{fffd}two"));
        assert_eq!(parse_pin_note(&"\n".repeat(9)).as_deref(), Some(""));
        assert_eq!(parse_pin_note(&"ü".repeat(PIN_NOTE_CHARS)).map(|note| note.chars().count()), Some(200));
        assert_eq!(parse_pin_note(&"ü".repeat(PIN_NOTE_CHARS + 1)), None);
    }

    #[test]
    fn a_pin_says_who_and_why() {
        let generation = sample::generation(47, 0).reference();
        let pin = GenerationPin { generation, by: "maria".into(), at: sample::now(), note: String::new() };
        assert_eq!(pin.words(), "Pinned by maria");
        assert_eq!(GenerationPin { note: "it works".into(), ..pin }.words(), "Pinned by maria: it works");
    }
}
