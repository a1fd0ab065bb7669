//! `flake.lock`, as Nix writes it.

use serde_json::{Map, Value, json};

/// Builds a lock file of these inputs, each with its locked revision (40 hexadecimal digits).
pub fn lock_file(inputs: &[(&str, &str)]) -> String {
    let mut nodes = Map::new();
    for (name, revision) in inputs {
        let node = json!({
            "locked": {
                "lastModified": 1_764_000_000,
                "narHash": format!("sha256-{:A<43}=", revision.get(..20).unwrap_or(revision)),
                "owner": "NixOS",
                "repo": name,
                "rev": revision,
                "type": "github",
            },
            "original": { "owner": "NixOS", "repo": name, "type": "github" },
        });
        nodes.insert((*name).to_owned(), node);
    }
    let names: Map<String, Value> =
        inputs.iter().map(|(name, _)| ((*name).to_owned(), json!(name))).collect();
    nodes.insert("root".to_owned(), json!({ "inputs": names }));
    let lock = json!({ "nodes": nodes, "root": "root", "version": 7 });
    format!("{lock:#}\n")
}
