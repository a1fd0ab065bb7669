//! The programs that the agent runs.

use std::path::Path;
use std::time::Duration;

use backstay_model::Platform;

use super::Finding;
use super::unit::{Service, find};
use crate::command::{Invocation, read};
use crate::config::Config;
use crate::facts::Profile;
use crate::platform::{Host, adapter};

/// Time limit for a question to sudo.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Rollback,
    Switch,
    /// An op works without it, and shows less.
    Detail,
}

pub(super) fn findings(config: &Config, service: &Service) -> Vec<Finding> {
    let (path, whose) = service.path();
    let is_root = rustix::process::geteuid().is_root();
    let mut findings: Vec<_> =
        needed(config, is_root).into_iter().map(|(argv, used)| program(argv, used, &path, &whose)).collect();
    findings.extend((!is_root).then(|| sudo(config)).flatten());
    findings
}

/// The programs of this platform, and what for.
fn needed(config: &Config, is_root: bool) -> Vec<(&[String], Use)> {
    let commands = &config.commands;
    let (rollback, switch) = match config.platform {
        Platform::Nixos => (&commands.nix_env, &commands.nixos_rebuild),
        Platform::Darwin => (&commands.darwin_rebuild, &commands.darwin_rebuild),
        Platform::HomeManager => (&commands.nix_env, &commands.home_manager),
    };
    let mut needed = vec![(rollback.as_slice(), Use::Rollback)];
    if !config.observe {
        needed.extend([(switch.as_slice(), Use::Switch), (&commands.git, Use::Switch)]);
    }
    needed.push((&commands.nix, Use::Detail));
    if config.platform == Platform::Nixos {
        needed.extend([(commands.systemctl.as_slice(), Use::Detail), (&commands.systemd_run, Use::Detail)]);
    }
    if !is_root && config.platform != Platform::HomeManager {
        needed.push((&commands.sudo, Use::Rollback));
    }
    needed.dedup_by(|one, other| one.0 == other.0);
    needed
}

fn program(argv: &[String], used: Use, path: &str, whose: &str) -> Finding {
    const ABOUT: &str = "Programs";
    let name = argv.first().map_or("", String::as_str);
    if let Some(found) = find(name, path) {
        return Finding::fine(ABOUT, format!("{name}: {}", found.display()));
    }
    let what = format!("{name} is not in {whose}");
    let to_do = format!(
        "Add its package to the service's path (NixOS: systemd.services.backstay-agent.path), or set commands.{} to its full path.",
        name.rsplit('/').next().unwrap_or_default().replace('-', "_")
    );
    match used {
        Use::Rollback => Finding::broken(ABOUT, format!("{what}: a rollback would fail"), to_do),
        Use::Switch => Finding::broken(ABOUT, format!("{what}: a switch would fail"), to_do),
        Use::Detail => Finding::warning(ABOUT, what, to_do),
    }
}

/// Whether this user may run what a rollback to the current generation runs. sudo is asked, and runs nothing.
fn sudo(config: &Config) -> Option<Finding> {
    const ABOUT: &str = "sudo";
    let profile = Profile::at(config.profile_path());
    let current = profile.generations().ok()?.into_iter().find(|generation| generation.current)?;
    let host = Host { config, profile: &profile, is_root: false };
    let steps =
        adapter(config.platform).rollback(&host, &current.reference(), Path::new(&current.store_path));
    let through_sudo = steps.iter().filter(|step| step.invocation.sudo.is_some());
    let refused = through_sudo.map(|step| &step.invocation).find(|invocation| !may_run(config, invocation));
    Some(match refused {
        None => Finding::fine(ABOUT, "allows what a rollback runs"),
        Some(invocation) => Finding::broken(
            ABOUT,
            format!("does not allow: {}", invocation.shown()),
            "Install the sudo rules that ship with Backstay for this user.",
        ),
    })
}

/// Asks `sudo --list COMMAND`, which succeeds if the rules allow it.
fn may_run(config: &Config, invocation: &Invocation) -> bool {
    let (sudo, command) = invocation.argv.split_at(config.commands.sudo.len());
    let words = ["--list".to_owned()].into_iter().chain(command.iter().cloned());
    read(&Invocation::new(sudo, words), TIMEOUT).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(&format!("server = \"https://backstay.example.org\"\nplatform = \"nixos\"\n{text}"))
            .unwrap()
    }

    fn names(config: &Config, is_root: bool) -> Vec<&str> {
        needed(config, is_root).into_iter().map(|(argv, _)| argv[0].as_str()).collect()
    }

    #[test]
    fn each_platform_needs_its_own_programs() {
        let all = ["nix-env", "nixos-rebuild", "git", "nix", "systemctl", "systemd-run"];
        assert_eq!(names(&config(""), true), all);
        assert_eq!(names(&config(""), false), [&all[..], &["sudo"]].concat());
        assert_eq!(names(&config("observe = true"), true), ["nix-env", "nix", "systemctl", "systemd-run"]);
        let mac = Config { platform: Platform::Darwin, ..config("") };
        assert_eq!(names(&mac, true), ["darwin-rebuild", "git", "nix"]);
    }

    #[test]
    fn a_missing_program_says_which_op_would_fail() {
        let argv = ["no-such-program".to_owned()];
        let said = |used| program(&argv, used, "/usr/bin", "the PATH of backstay-agent.service").to_string();
        assert!(said(Use::Rollback).starts_with("BROKEN"), "{}", said(Use::Rollback));
        assert!(
            said(Use::Switch).contains(
                "no-such-program is not in the PATH of backstay-agent.service: a switch would fail"
            )
        );
        assert!(said(Use::Detail).starts_with("warning"));
        assert!(said(Use::Rollback).contains("commands.no_such_program"));
        assert!(
            program(&["sh".to_owned()], Use::Rollback, "/usr/bin:/bin", "PATH").to_string().starts_with("ok")
        );
    }
}
