//! Whether the demo is ready: asked of the server, as a page asks it.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::http::Client;

/// A host as the fleet page shows it; what the demo wants to know of it.
#[derive(Debug, Deserialize)]
pub(crate) struct HostRow {
    pub(crate) name: String,
    online: bool,
    pub(crate) generation: Option<Generation>,
    pub(crate) tests: Option<Tests>,
    compartments: Compartments,
}

/// The generation that the host is on.
#[derive(Debug, Deserialize)]
pub(crate) struct Generation {
    pub(crate) number: u32,
}

/// What its tests said.
#[derive(Debug, Deserialize)]
pub(crate) struct Tests {
    pub(crate) passed: u32,
    pub(crate) total: u32,
}

#[derive(Debug, Deserialize)]
struct Compartments {
    git: Light,
}

#[derive(Debug, Deserialize)]
struct Light {
    state: String,
}

#[derive(Deserialize)]
struct Start {
    snapshot: Snapshot,
}

#[derive(Deserialize)]
struct Snapshot {
    hosts: Vec<HostRow>,
}

/// Somebody who is logged in and looks at the fleet.
pub(crate) struct Watcher(Client);

impl Watcher {
    pub(crate) fn log_in(url: &str, user: &str, password: &str) -> Result<Self> {
        let mut client = Client::new(url)?;
        client
            .post("/api/log_in", &[("name", user), ("password", password), ("next", "/")])
            .context("cannot log in")?;
        Ok(Self(client))
    }

    /// Every host that the server knows.
    pub(crate) fn fleet(&mut self) -> Result<Vec<HostRow>> {
        let said = self.0.post("/api/start_page", &[]).context("cannot read the fleet")?;
        read(&said)
    }
}

fn read(said: &str) -> Result<Vec<HostRow>> {
    let start: Start =
        serde_json::from_str(said).context("the server describes the fleet in an unknown way")?;
    Ok(start.snapshot.hosts)
}

/// What is still missing, as the first of these hosts lacks it; nothing, where all of them are ready.
pub(crate) fn missing<'a>(fleet: &[HostRow], names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    names.into_iter().find_map(|name| {
        let row = fleet.iter().find(|row| row.name == name);
        let what = match row {
            None => "has not joined",
            Some(row) if !row.online => "is not connected",
            Some(row) if row.generation.is_none() => "has not told its generations",
            Some(row) if row.tests.is_none() => "has not told its test runs",
            Some(row) if row.compartments.git.state == "unknown" => "is not compared with the branch",
            Some(_) => return None,
        };
        Some(format!("{name} {what}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn row() -> Value {
        json!({
            "name": "gpc0", "platform": "nixos", "online": true, "generation": { "number": 48 },
            "tests": { "passed": 3, "total": 8 }, "compartments": { "git": { "state": "ok" } },
        })
    }

    fn fleet(row: &Value) -> Vec<HostRow> {
        read(&json!({ "person": {}, "snapshot": { "hosts": [row] } }).to_string()).unwrap()
    }

    #[test]
    fn nothing_is_missing_of_a_host_that_has_told_all() {
        let fleet = fleet(&row());
        assert_eq!(missing(&fleet, ["gpc0"]), None);
        assert_eq!(missing(&fleet, ["gpc0", "hsb0"]).as_deref(), Some("hsb0 has not joined"));
    }

    #[test]
    fn each_lack_is_told() {
        let lacks = [
            ("/online", json!(false)),
            ("/generation", Value::Null),
            ("/tests", Value::Null),
            ("/compartments/git/state", json!("unknown")),
        ];
        for (place, value) in lacks {
            let mut row = row();
            *row.pointer_mut(place).unwrap() = value;
            assert!(missing(&fleet(&row), ["gpc0"]).is_some(), "{place}");
        }
    }
}
