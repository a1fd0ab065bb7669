//! Mistakes in the configuration are reported before anything is done.

use std::fs;

use crate::host::Host;
use crate::process::{AGENT, output};

#[test]
fn a_mistake_is_named() {
    let host = Host::nixos();
    let file = host.at("agent.toml");
    for (text, told) in [
        ("server = \"https://a\"\nservr = 1", "servr"),
        ("name = \"a\"", "server"),
        ("server = \"https://a\"\nname = \"no name\"", "no name"),
        ("server = \"https://a\"\nplatform = \"windows\"", "windows"),
    ] {
        fs::write(&file, text).unwrap();
        let output = output(host.command(AGENT).arg("--config").arg(&file));
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(told) && said.starts_with("backstay-agent: "), "{said}");
    }
    fs::remove_file(&file).unwrap();
    let output = output(host.command(AGENT).arg("--config").arg(&file));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read"));
}

/// A service without HOME: the path of the profile would be relative.
#[test]
fn home_manager_without_a_home_is_rejected() {
    let host = Host::nixos();
    let file = host.at("agent.toml");
    fs::write(&file, "server = \"https://a\"\nplatform = \"home-manager\"").unwrap();
    let mut agent = host.command(AGENT);
    agent.arg("--config").arg(&file).env_remove("HOME").env_remove("XDG_STATE_HOME");
    let output = output(&mut agent);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("HOME is not set"), "{said}");
}
