//! The daemon that ships for nix-darwin, as launchd.plist(5) describes it.

use std::path::Path;

const PLIST: &str = include_str!("../../launchd/org.backstay.agent.plist");

/// A value of a property list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    True,
    Array(Vec<Value>),
    Dict(Vec<(String, Value)>),
}

impl Value {
    fn get(&self, key: &str) -> &Self {
        let Self::Dict(entries) = self else { panic!("{self:?} is not a dictionary") };
        let found = entries.iter().find(|(name, _)| name == key);
        &found.unwrap_or_else(|| panic!("there is no {key}")).1
    }

    fn text(&self) -> &str {
        let Self::Text(text) = self else { panic!("{self:?} is not a string") };
        text
    }
}

/// A tag, with the text before the next one.
struct Tag<'a> {
    name: &'a str,
    text: &'a str,
}

/// Returns the tags of an XML file, without declarations and comments.
fn tags(xml: &str) -> Vec<Tag<'_>> {
    let mut tags = vec![];
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let tag = &rest[start..];
        let end = if tag.starts_with("<!--") { "-->" } else { ">" };
        let after = tag.find(end).unwrap() + end.len();
        rest = &tag[after..];
        if !tag.starts_with("<!") && !tag.starts_with("<?") {
            let text = &rest[..rest.find('<').unwrap_or(rest.len())];
            tags.push(Tag { name: tag[1..after - 1].split(' ').next().unwrap(), text });
        }
    }
    tags
}

/// Parses the value that begins at the next tag.
fn value<'a>(tags: &mut impl Iterator<Item = Tag<'a>>) -> Option<Value> {
    let tag = tags.next()?;
    match tag.name {
        "string" => {
            assert_eq!(tags.next()?.name, "/string");
            Some(Value::Text(tag.text.to_owned()))
        }
        "true/" => Some(Value::True),
        "array" => Some(Value::Array(std::iter::from_fn(|| value(tags)).collect())),
        "dict" => {
            let mut entries = vec![];
            while let Some(key) = tags.next().filter(|tag| tag.name == "key") {
                assert_eq!(tags.next()?.name, "/key");
                entries.push((key.text.to_owned(), value(tags)?));
            }
            Some(Value::Dict(entries))
        }
        "/array" => None,
        other => panic!("unexpected <{other}>"),
    }
}

fn plist() -> Value {
    let tags = tags(PLIST);
    assert_eq!((tags[0].name, tags[tags.len() - 1].name), ("plist", "/plist"));
    let mut inner = tags.into_iter().skip(1);
    let parsed = value(&mut inner).unwrap();
    assert_eq!(inner.next().unwrap().name, "/plist", "the dictionary is the only value");
    parsed
}

#[test]
fn every_key_is_one_of_launchds() {
    let Value::Dict(entries) = plist() else { panic!("a daemon is a dictionary") };
    let keys: Vec<_> = entries.iter().map(|(key, _)| key.as_str()).collect();
    let known = [
        "Label",
        "ProgramArguments",
        "EnvironmentVariables",
        "RunAtLoad",
        "KeepAlive",
        "AbandonProcessGroup",
        "StandardErrorPath",
    ];
    assert_eq!(keys, known, "look a new key up in launchd.plist(5)");
}

#[test]
fn launchd_starts_the_agent_again_and_leaves_ops_alone() {
    let plist = plist();
    for key in ["RunAtLoad", "KeepAlive", "AbandonProcessGroup"] {
        assert_eq!(*plist.get(key), Value::True, "{key}");
    }
}

#[test]
fn the_label_is_the_name_of_the_file() {
    assert_eq!(plist().get("Label").text(), "org.backstay.agent");
}

/// launchd searches no PATH for the program, and has no working folder.
#[test]
fn every_path_is_absolute() {
    let plist = plist();
    let Value::Array(arguments) = plist.get("ProgramArguments") else { panic!("no array") };
    let arguments: Vec<_> = arguments.iter().map(Value::text).collect();
    assert_eq!(arguments[1..], ["--config", "/etc/backstay/agent.toml", "run"]);
    let environment = plist.get("EnvironmentVariables");
    let folders = environment.get("PATH").text().split(':');
    let others = [arguments[0], plist.get("StandardErrorPath").text(), environment.get("HOME").text()];
    for path in folders.chain(others) {
        assert!(Path::new(path).is_absolute(), "{path}");
    }
}
