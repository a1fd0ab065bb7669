//! Readiness of the demo, as a page would see it.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::http::Client;

/// A host on the fleet page; only the fields that the demo needs.
#[derive(Debug, Deserialize)]
pub(crate) struct HostRow {
    pub(crate) name: String,
    online: bool,
    pub(crate) generation: Option<Generation>,
    pub(crate) tests: Option<Tests>,
    lights: Lights,
}

/// The host's current generation.
#[derive(Debug, Deserialize)]
pub(crate) struct Generation {
    pub(crate) number: u32,
}

/// The result of its tests.
#[derive(Debug, Deserialize)]
pub(crate) struct Tests {
    pub(crate) passed: u32,
    pub(crate) total: u32,
}

#[derive(Debug, Deserialize)]
struct Lights {
    git: Light,
}

#[derive(Debug, Deserialize)]
struct Light {
    state: String,
}

#[derive(Deserialize)]
struct Start {
    snapshot: Shown,
}

/// The state that a page shows.
#[derive(Debug, Deserialize)]
pub(crate) struct Shown {
    pub(crate) hosts: Vec<HostRow>,
    pull_requests: PullRequests,
}

#[derive(Debug, Deserialize)]
struct PullRequests {
    open: Vec<PullRequest>,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    number: u64,
    mergeable: Mergeable,
}

#[derive(Debug, Deserialize)]
struct Mergeable {
    mergeable: String,
}

/// A person who is logged in and watches the fleet.
pub(crate) struct Watcher(Client);

impl Watcher {
    pub(crate) fn log_in(url: &str, user: &str, password: &str) -> Result<Self> {
        let mut client = Client::new(url)?;
        client
            .post("/api/log_in", &[("name", user), ("password", password), ("next", "/")])
            .context("cannot log in")?;
        Ok(Self(client))
    }

    /// Returns what a page would show now.
    pub(crate) fn look(&mut self) -> Result<Shown> {
        let said = self.0.post("/api/start_page", &[]).context("cannot read the fleet")?;
        read(&said)
    }
}

fn read(said: &str) -> Result<Shown> {
    let start: Start =
        serde_json::from_str(said).context("the server describes the fleet in an unknown way")?;
    Ok(start.snapshot)
}

impl Shown {
    /// Returns what the first of these hosts, or the pull request, still lacks, or `None` if everything is
    /// ready.
    pub(crate) fn missing<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        pull_request: u64,
    ) -> Option<String> {
        let host = |name| Some(format!("{name} {}", self.lack(name)?));
        let mut open = self.pull_requests.open.iter();
        let can_be_merged = open.any(|open| open.number == pull_request && open.mergeable.mergeable == "yes");
        let pull_request =
            (!can_be_merged).then(|| format!("pull request #{pull_request} cannot be merged yet"));
        names.into_iter().find_map(host).or(pull_request)
    }

    /// Returns what a host lacks, or `None`.
    fn lack(&self, name: &str) -> Option<&'static str> {
        let row = self.hosts.iter().find(|row| row.name == name);
        match row {
            None => Some("has not joined"),
            Some(row) if !row.online => Some("is not connected"),
            Some(row) if row.generation.is_none() => Some("has not reported its generations"),
            Some(row) if row.tests.is_none() => Some("has not reported its test runs"),
            Some(row) if row.lights.git.state == "unknown" => Some("is not compared with the branch"),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn row() -> Value {
        json!({
            "name": "gpc0", "platform": "nixos", "online": true, "generation": { "number": 48 },
            "tests": { "passed": 3, "total": 8 }, "lights": { "git": { "state": "ok" } },
        })
    }

    fn shown(row: &Value, mergeable: &str) -> Shown {
        let pull = json!({ "number": 42, "mergeable": { "mergeable": mergeable } });
        let snapshot = json!({ "hosts": [row], "pull_requests": { "open": [pull] } });
        read(&json!({ "person": {}, "snapshot": snapshot }).to_string()).unwrap()
    }

    #[test]
    fn nothing_is_missing_of_a_host_that_has_told_all() {
        let shown = shown(&row(), "yes");
        assert_eq!(shown.missing(["gpc0"], 42), None);
        assert_eq!(shown.missing(["gpc0", "hsb0"], 42).as_deref(), Some("hsb0 has not joined"));
        assert_eq!(shown.missing(["gpc0"], 43).as_deref(), Some("pull request #43 cannot be merged yet"));
    }

    #[test]
    fn each_lack_is_told() {
        let lacks = [
            ("/online", json!(false)),
            ("/generation", Value::Null),
            ("/tests", Value::Null),
            ("/lights/git/state", json!("unknown")),
        ];
        for (place, value) in lacks {
            let mut row = row();
            *row.pointer_mut(place).unwrap() = value;
            assert!(shown(&row, "yes").missing(["gpc0"], 42).is_some(), "{place}");
        }
        assert!(shown(&row(), "unknown").missing(["gpc0"], 42).is_some());
    }
}
