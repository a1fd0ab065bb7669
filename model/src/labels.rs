//! Labels that people give a host: tags and notes.

use serde::{Deserialize, Serialize};

/// Upper bound on the tags of a host.
const TAGS: usize = 20;
/// Upper bound on a tag, in characters.
const TAG_CHARS: usize = 32;
/// Upper bound on the notes, in characters.
pub const NOTES_CHARS: usize = 2000;

/// Labels that people give a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// Sorted tags of lower-case letters, digits, `.`, `_` and `-`.
    pub tags: Vec<String>,
    /// Free text.
    pub notes: String,
}

/// Why labels are rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Not a tag.
    #[error(
        "“{0}” is not a valid tag. Nothing was changed. Use at most {TAG_CHARS} of a to z, 0 to 9, dots, underscores and hyphens."
    )]
    InvalidTag(String),
    /// Too many.
    #[error("A host has at most {TAGS} tags. Nothing was changed.")]
    TooMany,
    /// Too long.
    #[error("Notes have at most {NOTES_CHARS} characters. Nothing was changed.")]
    NotesTooLong,
}

impl Labels {
    /// Parses a person's input: tags separated by spaces or commas, and notes.
    ///
    /// # Errors
    /// [`LabelError`]
    pub fn parse(tags: &str, notes: &str) -> Result<Self, LabelError> {
        let notes = notes.trim().replace("\r\n", "\n");
        if notes.chars().count() > NOTES_CHARS {
            return Err(LabelError::NotesTooLong);
        }
        let words = tags.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        let mut tags = words.map(tag).collect::<Result<Vec<_>, _>>()?;
        tags.sort();
        tags.dedup();
        if tags.len() > TAGS { Err(LabelError::TooMany) } else { Ok(Self { tags, notes }) }
    }
}

fn tag(word: &str) -> Result<String, LabelError> {
    let tag = word.to_lowercase();
    let is_tag = tag.chars().count() <= TAG_CHARS
        && tag.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric());
    is_tag.then_some(tag).ok_or_else(|| LabelError::InvalidTag(word.chars().take(TAG_CHARS).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn input_is_parsed() {
        let labels = Labels::parse("Cloud, vienna  cloud,web.1", " Rack 4\r\nSpare disk ").unwrap();
        assert_eq!(labels.tags, ["cloud", "vienna", "web.1"]);
        assert_eq!(labels.notes, "Rack 4\nSpare disk");
        assert_eq!(Labels::parse(" , ", "").unwrap(), Labels::default());
    }

    #[test]
    fn invalid_labels_are_rejected() {
        for bad in ["a:b", "-x", "ä", "<b>", &"x".repeat(33)] {
            assert!(matches!(Labels::parse(bad, ""), Err(LabelError::InvalidTag(_))), "{bad}");
        }
        let many: Vec<_> = (0..=TAGS).map(|i| format!("t{i}")).collect();
        assert_eq!(Labels::parse(&many.join(" "), ""), Err(LabelError::TooMany));
        assert_eq!(Labels::parse("", &"x".repeat(NOTES_CHARS + 1)), Err(LabelError::NotesTooLong));
    }

    proptest! {
        #[test]
        fn parsed_labels_parse_again(tags in ".{0,60}", notes in ".{0,60}") {
            if let Ok(labels) = Labels::parse(&tags, &notes) {
                prop_assert_eq!(Labels::parse(&labels.tags.join(" "), &labels.notes), Ok(labels));
            }
        }
    }
}
