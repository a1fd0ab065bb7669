//! The modules of the flake, evaluated by the real Nix: the agent reads the configuration that they write, and their units are
//! the ones that ship.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use backstay_agent::config::Config;
use backstay_model::Platform;
use serde_json::Value;

use crate::process::output;

/// What the modules make of the settings in `nix/tests/default.nix`.
static MADE: LazyLock<Value> = LazyLock::new(|| {
    let mut nix = Command::new("nix-instantiate");
    nix.args(["--eval", "--strict", "--json", "--arg", "lib", "import ./nix/tests/lib.nix", "nix/tests"]);
    let output = output(nix.current_dir(root()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn configured(host: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.toml");
    let settings: toml::Value = serde_json::from_value(MADE[host]["settings"].clone()).unwrap();
    fs::write(&file, toml::to_string(&settings).unwrap()).unwrap();
    Config::read(&file).unwrap()
}

#[test]
fn the_agent_reads_the_configuration_that_each_module_writes() {
    for (host, platform) in
        [("agent", Platform::Nixos), ("home", Platform::HomeManager), ("darwin", Platform::Darwin)]
    {
        let config = configured(host);
        assert_eq!(config.platform, platform, "{host}");
        assert_eq!(config.server, "https://backstay.example.org", "{host}");
    }
    let config = configured("agent");
    assert_eq!(config.checkout.path, Path::new("/srv/fleet"));
    assert_eq!(config.join_token_file.as_deref(), Some(Path::new("/run/secrets/join")));
    assert!(config.tests.dir.ends_with("00000000000000000000000000000000-backstay-tests"));
}

/// The keys that the agent reads in one table of its configuration, or `None` if `table` is no table. The parser
/// names them all when it meets one that it does not know.
fn known(table: Option<&str>) -> Option<Vec<String>> {
    let table = table.map(|name| format!("[{name}]\n")).unwrap_or_default();
    let error = toml::from_str::<Config>(&format!("{table}unheard_of = 1")).unwrap_err().to_string();
    let (_, expected) = error.split_once("unknown field `unheard_of`, expected ")?;
    Some(expected.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

#[test]
fn the_modules_know_every_key_of_the_agents_configuration() {
    let mut read = BTreeMap::new();
    for key in known(None).unwrap() {
        let keys = known(Some(&key)).unwrap_or_default();
        read.insert(key, keys.into_iter().collect::<BTreeSet<_>>());
    }
    let names = |set: &Value| set.as_object().unwrap().keys().cloned().collect();
    let written: BTreeMap<String, BTreeSet<String>> = MADE["keys"]["agent"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, keys)| (key.clone(), names(keys)))
        .collect();
    assert!(read["checkout"].contains("branch") && read["activation"].contains("min_timeout"), "{read:?}");
    assert_eq!(written, read);
}

#[test]
fn what_cannot_work_is_an_error_of_the_evaluation() {
    for (case, is_error) in MADE["errors"].as_object().unwrap() {
        assert_eq!(is_error, &Value::Bool(true), "{case}");
    }
    for (words, messages) in MADE["refused"].as_object().unwrap() {
        let message = messages[0].as_str().unwrap_or_else(|| panic!("no assertion says: {words}"));
        assert!(message.contains(words.as_str()), "{message}");
        assert_eq!(messages.as_array().unwrap().len(), 1, "{messages}");
    }
    for host in ["agent", "as-user", "home", "darwin", "server"] {
        assert_eq!(MADE[host]["messages"], Value::Array(vec![]), "{host}");
    }
}

#[test]
fn a_person_finds_the_program_on_the_path_of_each_host() {
    for (host, program) in [("agent", "agent"), ("home", "agent"), ("darwin", "agent"), ("server", "server")]
    {
        let found = MADE["programs"][host][0].as_str().unwrap();
        assert!(found.ends_with(&format!("-backstay-{program}")), "{host}: {found}");
    }
}

/// The settings of a unit that say how it runs; where its program lies differs between a host with a module and one without.
type Settings = BTreeMap<String, Vec<String>>;

const PLACES: [&str; 4] = ["Environment", "EnvironmentFile", "ExecStart", "LoadCredential"];

fn shipped(unit: &str) -> Settings {
    let text = fs::read_to_string(root().join(unit)).unwrap();
    let service =
        text.split("\n[").find(|section| section.trim_start_matches('[').starts_with("Service]")).unwrap();
    let mut settings = Settings::new();
    for line in service.lines().filter(|line| !line.starts_with('#')) {
        let Some((key, value)) = line.split_once('=') else { continue };
        settings.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    settings
}

/// NixOS writes a list as one line for each member, and home-manager does so too.
fn made(service: &Value) -> Settings {
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let lines = |value: &Value| match value.as_array() {
        Some(list) => list.iter().map(word).collect(),
        None => vec![word(value)],
    };
    service.as_object().unwrap().iter().map(|(key, value)| (key.clone(), lines(value))).collect()
}

/// One line for all members and one for each mean the same to systemd.
fn comparable(mut settings: Settings) -> Settings {
    // NixOS writes its own settings here; the shipped unit has them in its section Unit.
    settings.retain(|key, _| !PLACES.contains(&key.as_str()) && !key.starts_with("X-"));
    for value in settings.values_mut().flatten() {
        match value.as_str() {
            "true" => "yes".clone_into(value),
            "false" => "no".clone_into(value),
            _ => {}
        }
    }
    if let Some(families) = settings.get_mut("RestrictAddressFamilies") {
        *families = families.iter().flat_map(|line| line.split(' ')).map(str::to_owned).collect();
    }
    settings
}

#[test]
fn the_units_of_the_modules_are_the_ones_that_ship() {
    for (unit, service) in [
        ("agent/systemd/backstay-agent.service", &MADE["agent"]["unit"]["serviceConfig"]),
        ("agent/systemd/backstay-agent-user.service", &MADE["home"]["unit"]["Service"]),
        ("server/systemd/backstay-server.service", &MADE["server"]["unit"]["serviceConfig"]),
    ] {
        assert_eq!(comparable(made(service)), comparable(shipped(unit)), "{unit}");
    }
    assert_eq!(MADE["agent"]["unit"]["stopIfChanged"], Value::Bool(false));
    let drop_in = shipped("agent/systemd/backstay-agent-sudo.conf");
    let mut as_user = shipped("agent/systemd/backstay-agent.service");
    as_user.extend(drop_in);
    assert_eq!(comparable(made(&MADE["as-user"]["unit"]["serviceConfig"])), comparable(as_user));
}

/// `nix/tests/golden` has the units as NixOS itself wrote them: `cargo xtask test --only nix`.
#[test]
fn the_units_that_nixos_writes_are_the_ones_that_ship() {
    for (unit, of_nixos) in [
        ("agent/systemd/backstay-agent.service", "agent.service"),
        ("server/systemd/backstay-server.service", "server.service"),
    ] {
        let golden = shipped(&format!("nix/tests/golden/{of_nixos}"));
        assert_eq!(comparable(golden), comparable(shipped(unit)), "{unit}");
    }
}

#[test]
fn the_rules_for_sudo_are_the_ones_that_ship() {
    let shipped = fs::read_to_string(root().join("agent/systemd/sudoers.example")).unwrap();
    let rules: Vec<&str> = shipped.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(MADE["as-user"]["sudoers"].as_str().unwrap().trim(), rules.join("\n"));
}

/// A plist and what nix-darwin makes of the daemon hold the same keys.
#[test]
fn the_daemon_of_the_module_is_the_one_that_ships() {
    let plist = fs::read_to_string(root().join("agent/launchd/org.backstay.agent.plist")).unwrap();
    let daemon = MADE["darwin"]["daemon"]["serviceConfig"].as_object().unwrap();
    for key in daemon.keys() {
        assert!(plist.contains(&format!("<key>{key}</key>")), "{key}");
    }
    for key in ["RunAtLoad", "KeepAlive", "AbandonProcessGroup"] {
        assert_eq!(daemon[key], Value::Bool(true));
        let (_, after) = plist.split_once(&format!("<key>{key}</key>")).unwrap();
        assert!(after.trim_start().starts_with("<true/>"), "{key}");
    }
    let path = daemon["EnvironmentVariables"]["PATH"].as_str().unwrap();
    assert!(plist.contains(&format!("<string>{path}</string>")));
    let command = MADE["darwin"]["daemon"]["command"].as_str().unwrap();
    assert!(command.ends_with("-backstay-agent.toml run"), "a new configuration restarts it: {command}");
    assert_eq!(MADE["darwin"]["rev"], "4f1c2e9");
}
