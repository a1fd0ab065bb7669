//! What the provider says about a person.

use backstay_model::wire::limits::{PERSON_NAME_CHARS, is_person_name};
use openidconnect::AdditionalClaims;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Groups that are looked at.
const MOST_GROUPS: usize = 2_000;

/// The claims that the standard does not name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct MoreClaims {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for MoreClaims {}

impl MoreClaims {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }

    /// Returns a text, if there is one of this length at most, in bytes.
    pub(super) fn text(&self, name: &str, longest: usize) -> Option<String> {
        self.get(name)?.as_str().filter(|text| text.len() <= longest).map(str::to_owned)
    }

    /// Returns the groups in this claim, or `None` without the claim. Some providers write a single group as a text.
    pub(super) fn groups(&self, claim: &str) -> Option<Vec<String>> {
        Some(match self.get(claim)? {
            Value::String(one) => vec![one.clone()],
            Value::Array(all) => {
                all.iter().take(MOST_GROUPS).filter_map(|group| group.as_str().map(str::to_owned)).collect()
            }
            _ => vec![],
        })
    }
}

/// Makes a name of ours of what the provider calls a person, or returns `None` if nothing is left.
pub(super) fn person_name(text: &str) -> Option<String> {
    let fits = |c: char| is_person_name(&format!("a{c}a"));
    let name: String =
        text.trim().chars().take(PERSON_NAME_CHARS).map(|c| if fits(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(['@', '-', ' ']).trim_end();
    is_person_name(name).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_provider_becomes_one_of_ours() {
        for (text, name) in [
            ("maria", Some("maria")),
            ("ana.maría@example.org", Some("ana.maría@example.org")),
            (" @maria\u{202e}x\n", Some("maria-x")),
            ("а", None),
            ("", None),
            ("@", None),
            ("<b>x</b>", Some("b-x--b-")),
        ] {
            assert_eq!(person_name(text).as_deref(), name, "{text:?}");
        }
        assert_eq!(person_name(&"x".repeat(5000)).unwrap().len(), PERSON_NAME_CHARS);
    }

    #[test]
    fn groups_are_texts_in_the_configured_claim() {
        let claims: MoreClaims =
            serde_json::from_str(r#"{"groups": ["a", 7, "b"], "one": "c", "none": {"a": 1}}"#).unwrap();
        assert_eq!(claims.groups("groups").unwrap(), ["a", "b"]);
        assert_eq!(claims.groups("one").unwrap(), ["c"]);
        assert_eq!(claims.groups("none").unwrap(), [""; 0]);
        assert_eq!(claims.groups("missing"), None);
        assert_eq!(claims.text("one", 0), None);
    }
}
