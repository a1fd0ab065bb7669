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

/// Everybody who may write there would command the agent, which is root as a rule.
#[test]
fn a_configuration_or_tests_that_others_may_write_are_not_obeyed() {
    use std::os::unix::fs::PermissionsExt as _;
    let host = Host::nixos();
    let file = host.at("agent.toml");
    let tests = host.at("tests");
    let state = host.at("state");
    let text = format!("server = \"http://127.0.0.1:1\"\nstate_dir = {state:?}\n[tests]\ndir = {tests:?}");
    fs::write(&file, text).unwrap();
    for (path, mode) in [(&file, 0o666), (&tests, 0o777)] {
        let before = path.metadata().unwrap().permissions();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for action in ["run", "test"] {
            let output = output(host.command(AGENT).arg("--config").arg(&file).arg(action));
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && said.contains("can be written by everybody"), "{said}");
            assert!(said.contains(&format!("chmod o-w {}", path.display())), "{said}");
        }
        fs::set_permissions(path, before).unwrap();
    }
    assert!(!state.exists(), "nothing was started");
}
