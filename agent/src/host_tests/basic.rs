//! The tests that every host has, and those that its configuration names: probes instead of programs.

use std::net::IpAddr;

use backstay_model::Platform;

use crate::config::{Config, ProbeConfig, socket_address};
use crate::probe::{Http, Probe};
use crate::unit::Manager;

/// What a switch needs free, in MiB: room for a new generation, and for its kernel.
pub(crate) const ROOM: [(&str, u64); 2] = [("/nix/store", 1024), ("/boot", 64)];

/// The names of all basic tests, in the order of their names.
pub(crate) const NAMES: [&str; 8] =
    ["clock", "default-route", "display", "dns", "failed-units", "server", "space", "sshd"];

/// The basic tests of this platform, without those that the configuration leaves out.
pub(super) fn basic(config: &Config) -> Vec<(String, Probe)> {
    if !config.tests.basic {
        return vec![];
    }
    let tests = NAMES.into_iter().filter(|name| !config.tests.leave_out.iter().any(|out| out == name));
    tests.filter_map(|name| Some((name.to_owned(), probe(name, config)?))).collect()
}

fn probe(name: &str, config: &Config) -> Option<Probe> {
    let platform = config.platform;
    let systemctl = systemctl(config);
    let of_boot = |units: &[&str]| Probe::UnitsOfBoot {
        systemctl: systemctl.clone(),
        units: units.iter().map(|&unit| unit.to_owned()).collect(),
    };
    let nixos = platform == Platform::Nixos;
    match name {
        "clock" => nixos.then_some(Probe::Clock),
        "default-route" => nixos.then_some(Probe::DefaultRoute),
        "display" => nixos.then(|| of_boot(&["display-manager.service"])),
        "dns" => server(config).and_then(|(host, _)| {
            let is_name = host.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
            is_name.then_some(Probe::Name(host))
        }),
        "failed-units" => (platform != Platform::Darwin).then(|| Probe::FailedUnits {
            systemctl: systemctl.clone(),
            running_system: config.running_system(),
        }),
        "server" => server(config).map(|(host, port)| Probe::Tcp(format!("{host}:{port}"))),
        "space" => {
            let places = ROOM.iter().filter(|(path, _)| nixos || *path != "/boot");
            Some(Probe::Space(places.map(|(path, least)| (path.into(), *least)).collect()))
        }
        "sshd" => nixos.then(|| of_boot(&["ssh.service", "ssh.socket", "sshd.service", "sshd.socket"])),
        _ => None,
    }
}

/// The host and port of the server.
fn server(config: &Config) -> Option<(String, u16)> {
    let address = socket_address(&config.server).ok()?;
    let usual = if address.scheme_str() == Some("wss") { 443 } else { 80 };
    Some((address.host()?.to_owned(), address.port_u16().unwrap_or(usual)))
}

/// `systemctl`, for the systemd whose units the profile configures.
fn systemctl(config: &Config) -> Vec<String> {
    let manager = if config.platform == Platform::HomeManager { Manager::User } else { Manager::System };
    let words = manager.words().iter().map(|&word| word.to_owned());
    config.commands.systemctl.iter().cloned().chain(words).collect()
}

/// What a test of the configuration runs.
pub(super) enum Configured {
    /// A probe.
    Probe(Probe),
    /// A program with its arguments.
    Command(Vec<String>),
}

/// Returns what a test of the configuration runs, or nothing if it names nothing.
pub(super) fn configured(test: &ProbeConfig, config: &Config) -> Option<Configured> {
    if let Some(unit) = &test.unit {
        return Some(Configured::Probe(Probe::Unit { systemctl: systemctl(config), unit: unit.clone() }));
    }
    if let Some(address) = &test.tcp {
        return Some(Configured::Probe(Probe::Tcp(address.clone())));
    }
    if let Some(url) = &test.http {
        return Some(Configured::Probe(Probe::Http(Http {
            url: url.clone(),
            status: test.status,
            body: test.body.clone(),
            ca_certificate: config.ca_certificate.clone(),
        })));
    }
    if let Some(path) = &test.file {
        return Some(Configured::Probe(Probe::File(path.clone())));
    }
    test.command.clone().map(Configured::Command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &str) -> Config {
        toml::from_str(&format!("server = \"https://backstay.example.org\"\nplatform = \"nixos\"\n{more}"))
            .unwrap()
    }

    fn names(config: &Config) -> Vec<String> {
        basic(config).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_host_of_nixos_has_all_of_them_unless_it_leaves_some_out() {
        assert_eq!(names(&config("")), NAMES);
        let some = names(&config("[tests]\nleave_out = [\"dns\", \"sshd\"]"));
        assert_eq!(some, ["clock", "default-route", "display", "failed-units", "server", "space"]);
        assert!(names(&config("[tests]\nbasic = false")).is_empty());
    }

    #[test]
    fn a_home_and_a_mac_have_what_applies_to_them() {
        let of = |platform: Platform| names(&Config { platform, ..config("") });
        assert_eq!(of(Platform::HomeManager), ["dns", "failed-units", "server", "space"]);
        assert_eq!(of(Platform::Darwin), ["dns", "server", "space"]);
    }

    #[test]
    fn the_server_is_reached_where_the_agent_reaches_it() {
        let of = |server: &str| {
            let config = Config { server: server.to_owned(), ..config("") };
            (probe("server", &config), probe("dns", &config))
        };
        let tcp = |address: &str| Some(Probe::Tcp(address.to_owned()));
        assert_eq!(of("https://b.example"), (tcp("b.example:443"), Some(Probe::Name("b.example".into()))));
        assert_eq!(of("http://b.example:7340").0, tcp("b.example:7340"));
        assert_eq!(of("http://[::1]"), (tcp("[::1]:80"), None), "an address needs no look-up");
    }
}
