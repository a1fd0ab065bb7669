//! Checks requests and answers against GitHub's own description of its API.

use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// A file of the Node packages.
pub(crate) fn node_package(path: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join("node_modules").join(path);
    assert!(file.exists(), "{path} is not there: `cargo xtask setup` brings GitHub's description of its API");
    file
}

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let file = node_package("@octokit/openapi/generated/api.github.com.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
});

static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);

/// Statuses that any request may get, whether its operation's description lists them or not.
const ANYWHERE: [u16; 6] = [400, 401, 403, 404, 422, 429];

/// The statuses checked so far, by operation.
static SEEN: LazyLock<Mutex<BTreeSet<(String, u16)>>> = LazyLock::new(Mutex::default);

/// Returns whether this status of this operation (method, space, path) was checked.
pub(crate) fn is_checked(operation: &str, status: u16) -> bool {
    let seen = SEEN.lock();
    seen.contains(&(operation.to_owned(), status))
}

/// Returns the statuses that GitHub describes for an operation.
pub(crate) fn described_statuses(operation: &str) -> Vec<u16> {
    let (method, path) = operation.split_once(' ').unwrap();
    let responses = &DESCRIPTION["paths"][path][method.to_ascii_lowercase()]["responses"];
    let statuses = responses.as_object().unwrap_or_else(|| panic!("GitHub describes no {operation}"));
    statuses.keys().map(|status| status.parse().unwrap()).collect()
}

/// One request and its answer.
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'a str,
    /// From the root of the API, without the query.
    pub(crate) path: &'a str,
    pub(crate) sent: Option<&'a Value>,
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a str,
}

impl Exchange<'_> {
    /// Fails the test unless GitHub describes this request and this answer.
    pub(crate) fn check(&self) {
        let name = format!("{} {} -> {}", self.method, self.path, self.status);
        let (template, operation) = operation(self.method, self.path).unwrap_or_else(|| {
            panic!("{name}: GitHub describes no such operation");
        });
        let key = format!("{} {template}", self.method);
        SEEN.lock().insert((key.clone(), self.status));
        if let Some(sent) = self.sent.filter(|_| self.status < 300) {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            assert!(schema.is_object(), "{name}: GitHub takes no body there");
            hold(&format!("{key} request"), schema, sent, &name);
        }
        let described = resolved(&operation["responses"][self.status.to_string()]);
        if described.is_null() {
            assert!(ANYWHERE.contains(&self.status), "{name}: GitHub never answers this\n{}", self.body);
            return hold_error(&name, self.body);
        }
        let content = described["content"].as_object().filter(|content| !content.is_empty());
        let Some(content) = content else {
            if self.status == 204 || self.status == 304 {
                assert_eq!(self.body, "", "{name}: the body must be empty");
            } else {
                hold_error(&name, self.body);
            }
            return;
        };
        if !self.content_type.starts_with("application/json") {
            return;
        }
        let body: Value = serde_json::from_str(self.body).unwrap_or_else(|error| panic!("{name}: {error}"));
        let schema = &content["application/json"]["schema"];
        hold(&format!("{key} {}", self.status), schema, &body, &name);
    }
}

fn hold_error(name: &str, body: &str) {
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{name}: {error}\n{body}"));
    let schema = json!({ "$ref": "#/components/schemas/basic-error" });
    hold("basic-error", &schema, &body, name);
    for field in ["message", "documentation_url"] {
        assert!(body[field].is_string(), "{name}: {field} is missing");
    }
}

/// Fails unless an event's payload matches GitHub's description.
pub(crate) fn hold_event(schema: &str, payload: &Value) {
    assert!(DESCRIPTION["components"]["schemas"][schema].is_object(), "GitHub describes no {schema}");
    hold(schema, &json!({ "$ref": format!("#/components/schemas/{schema}") }), payload, schema);
}

/// Fails unless `value` matches `schema`.
fn hold(key: &str, schema: &Value, value: &Value, name: &str) {
    let validator = validator(key, schema);
    let problems: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(problems.is_empty(), "{name}:\n{}\n{value:#}", problems.join("\n"));
}

fn validator(key: &str, schema: &Value) -> &'static Validator {
    let mut validators = VALIDATORS.lock();
    validators.entry(key.to_owned()).or_insert_with(|| {
        let schema = self_contained(schema);
        let options = jsonschema::options().with_draft(Draft::Draft4).should_validate_formats(true);
        Box::leak(Box::new(options.build(&schema).unwrap_or_else(|error| panic!("{key}: {error}"))))
    })
}

/// Returns the operation of this method that matches the path, and its template.
fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = DESCRIPTION["paths"].as_object()?;
    let fitting = paths.iter().filter(|(template, _)| fits(template, path));
    let described = fitting.filter_map(|(template, operations)| {
        Some((template.as_str(), operations.get(method.to_ascii_lowercase())?))
    });
    // The template with the most literal words: `commits/{ref}/status` rather than `commits/{ref}`.
    described.max_by_key(|(template, _)| template.split('/').filter(|word| !word.starts_with('{')).count())
}

/// Returns whether a path matches this template. Only the last of its parameters may contain slashes.
fn fits(template: &str, path: &str) -> bool {
    let wanted: Vec<&str> = template.split('/').collect();
    let there: Vec<&str> = path.split('/').collect();
    let Some(greedy) = wanted.iter().rposition(|word| word.starts_with('{')) else { return template == path };
    if there.len() < wanted.len() {
        return false;
    }
    let tail = wanted.len() - greedy - 1;
    let is_same = |(wanted, there): (&&str, &&str)| wanted.starts_with('{') || wanted == there;
    wanted[..greedy].iter().zip(&there[..greedy]).all(is_same)
        && wanted[greedy + 1..].iter().zip(&there[there.len() - tail..]).all(is_same)
}

/// Resolves a reference.
fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => DESCRIPTION.pointer(&reference[1..]).unwrap(),
        None => value,
    }
}

/// Returns a schema with everything that it refers to, as JSON Schema rather than `OpenAPI`.
fn self_contained(schema: &Value) -> Value {
    let mut components = Map::new();
    let mut open = vec![];
    let mut whole = translated(schema, &mut open);
    while let Some(name) = open.pop() {
        if !components.contains_key(&name) {
            let found = &DESCRIPTION["components"]["schemas"][&name];
            let found = translated(found, &mut open);
            components.insert(name, found);
        }
    }
    whole["components"] = json!({ "schemas": components });
    whole
}

/// Translates `nullable` to JSON Schema, and collects the names of references.
fn translated(schema: &Value, open: &mut Vec<String>) -> Value {
    let Value::Object(object) = schema else {
        return match schema {
            Value::Array(items) => items.iter().map(|item| translated(item, open)).collect(),
            other => other.clone(),
        };
    };
    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
        open.extend(reference.strip_prefix("#/components/schemas/").map(str::to_owned));
    }
    // Examples are not schemas, though some look like them.
    let kept = object
        .iter()
        .filter(|(name, _)| !["example", "examples"].contains(&name.as_str()) || is_properties(object));
    let mut object: Map<String, Value> =
        kept.map(|(name, value)| (name.clone(), translated(value, open))).collect();
    if object.get("nullable") != Some(&Value::Bool(true)) {
        return Value::Object(object);
    }
    object.remove("nullable");
    json!({ "anyOf": [{ "type": "null" }, Value::Object(object)] })
}

/// Returns whether this is a map of properties, in which `example` is an ordinary name.
fn is_properties(object: &Map<String, Value>) -> bool {
    object.values().all(Value::is_object)
}

#[test]
fn a_wrong_answer_is_noticed() {
    let right = json!({
        "ref": "refs/heads/main",
        "node_id": "x",
        "url": "http://localhost/x",
        "object": { "type": "commit", "sha": "1111111111111111111111111111111111111111", "url": "http://localhost/y" },
    });
    let check = |body: &Value, status| {
        let exchange = Exchange {
            method: "GET",
            path: "/repos/o/r/git/ref/heads/a/b",
            sent: None,
            status,
            content_type: "application/json",
            body: &body.to_string(),
        };
        std::panic::catch_unwind(|| exchange.check()).is_ok()
    };
    assert!(check(&right, 200));
    assert!(!check(&right, 202), "a status that GitHub does not know");
    let mut wrong = right.clone();
    wrong["object"]["sha"] = json!("short");
    assert!(!check(&wrong, 200), "a hash that is none");
    let mut wrong = right.clone();
    wrong["url"] = json!("not an address");
    assert!(!check(&wrong, 200), "an address that is none");
    let mut wrong = right;
    wrong.as_object_mut().unwrap().remove("object");
    assert!(!check(&wrong, 200), "a field that is missing");
}
