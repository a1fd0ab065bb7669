//! Labels that people give a host: tags and notes.

use serde::{Deserialize, Serialize};

use crate::wire::limits::plain_lines;

/// Upper bound on the tags of a host.
const TAGS: usize = 20;
/// Upper bound on a tag, in characters.
const TAG_CHARS: usize = 32;
/// Upper bound on a tag, in bytes.
const TAG_BYTES: usize = 96;
/// Upper bound on the notes, in characters.
pub const NOTES_CHARS: usize = 2000;

/// Labels that people give a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// Sorted tags of lower-case letters and digits of any script, `.`, `_` and `-`.
    pub tags: Vec<String>,
    /// Free text.
    pub notes: String,
}

/// Why labels are rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Not a tag.
    #[error(
        "“{0}” is not a valid tag. The tags were not changed. Use at most {TAG_CHARS} letters, digits, dots, underscores and hyphens, beginning with a letter or a digit."
    )]
    InvalidTag(String),
    /// A tag with an accent as a character of its own: two spellings of one word would be two tags.
    #[error("“{0}” has an accent apart from its letter. The tags were not changed. Type the tag again.")]
    SeparateAccent(String),
    /// Too many.
    #[error("A host has at most {TAGS} tags. The tags were not changed.")]
    TooMany,
    /// Too long.
    #[error("Notes have at most {NOTES_CHARS} characters. Nothing was changed.")]
    NotesTooLong,
}

/// Parses tags, separated by spaces or commas.
///
/// # Errors
/// [`LabelError`]
pub fn parse_tags(text: &str) -> Result<Vec<String>, LabelError> {
    let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
    let mut tags = words.map(tag).collect::<Result<Vec<_>, _>>()?;
    tags.sort();
    tags.dedup();
    if tags.len() > TAGS { Err(LabelError::TooMany) } else { Ok(tags) }
}

/// Parses notes.
///
/// # Errors
/// [`LabelError::NotesTooLong`]
pub fn parse_notes(text: &str) -> Result<String, LabelError> {
    let notes = plain_lines(text);
    if notes.chars().count() > NOTES_CHARS { Err(LabelError::NotesTooLong) } else { Ok(notes) }
}

/// A tag in the form that is stored and compared: in lower case. The lower case of “İ” has a dot of its own,
/// which “i” has anyway.
pub fn folded_tag(word: &str) -> String {
    word.to_lowercase().replace("i\u{307}", "i")
}

fn tag(word: &str) -> Result<String, LabelError> {
    let said = || word.chars().take(TAG_CHARS).collect();
    if word.contains(|c| matches!(c, '\u{300}'..='\u{36f}')) {
        return Err(LabelError::SeparateAccent(said()));
    }
    let tag = folded_tag(word);
    let is_tag = tag.chars().count() <= TAG_CHARS
        && tag.len() <= TAG_BYTES
        && tag.chars().all(|c| c.is_alphanumeric() || is_mark(c) || matches!(c, '.' | '_' | '-'))
        && tag.starts_with(char::is_alphanumeric);
    is_tag.then_some(tag).ok_or_else(|| LabelError::InvalidTag(said()))
}

/// Returns whether the character is a mark without which words of southern Asia cannot be written.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{93c}' | '\u{94d}' | '\u{9bc}' | '\u{9cd}' | '\u{a4d}' | '\u{acd}' | '\u{b4d}' | '\u{bcd}')
        || matches!(c, '\u{c4d}' | '\u{ccd}' | '\u{d4d}' | '\u{dca}' | '\u{e47}'..='\u{e4e}' | '\u{ec8}'..='\u{ecd}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn input_is_parsed() {
        assert_eq!(parse_tags("Cloud, vienna  cloud,web.1").unwrap(), ["cloud", "vienna", "web.1"]);
        assert_eq!(parse_notes(" Rack 4\r\nSpare disk ").unwrap(), "Rack 4\nSpare disk");
        assert_eq!(parse_tags(" , ").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_tag_may_be_in_any_script() {
        for (word, tag) in [
            ("Büro", "büro"),
            ("قاعدة", "قاعدة"),
            ("日本", "日本"),
            ("हिन्दी", "हिन्दी"),
            ("บ้าน", "บ้าน"),
            ("İstanbul", "istanbul"),
            ("ΑΘΉΝΑ", "αθήνα"),
        ] {
            assert_eq!(parse_tags(word).unwrap(), [tag]);
        }
    }

    #[test]
    fn invalid_labels_are_rejected() {
        let long = "語".repeat(32);
        assert!(parse_tags(&long).is_ok(), "96 bytes");
        for bad in ["a:b", "-x", "<b>", "a\u{202e}b", "☠", &"x".repeat(33), &"𠀀".repeat(25)] {
            assert!(matches!(parse_tags(bad), Err(LabelError::InvalidTag(_))), "{bad}");
        }
        assert!(matches!(parse_tags("bu\u{308}ro"), Err(LabelError::SeparateAccent(_))));
        let many: Vec<_> = (0..=TAGS).map(|i| format!("t{i}")).collect();
        assert_eq!(parse_tags(&many.join(" ")), Err(LabelError::TooMany));
        assert_eq!(parse_notes(&"x".repeat(NOTES_CHARS + 1)), Err(LabelError::NotesTooLong));
    }

    proptest! {
        #[test]
        fn parsed_tags_parse_again(text in ".{0,60}") {
            if let Ok(tags) = parse_tags(&text) {
                prop_assert_eq!(parse_tags(&tags.join(" ")), Ok(tags));
            }
        }
    }
}
