//! A guest with the real server and agent, the shipped unit files, and a real Nix profile.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use backstay_guest::{Guest, Options, output};

use crate::Programs;
use crate::inside::{DATABASE, Op, PASSWORD, SERVER};

/// The shipped unit files.
const AGENT_UNIT: &str = include_str!("../../../agent/systemd/backstay-agent.service");
const USER_UNIT: &str = include_str!("../../../agent/systemd/backstay-agent-user.service");
const SUDO_DROP_IN: &str = include_str!("../../../agent/systemd/backstay-agent-sudo.conf");
const SUDOERS: &str = include_str!("../../../agent/systemd/sudoers.example");
const SERVER_UNIT: &str = include_str!("../../../server/systemd/backstay-server.service");

/// The path of this program in a guest.
const INSIDE: &str = "/opt/backstay-systemd";
/// The user whose home is the home-manager host.
pub(crate) const USER: &str = "alex";
const UID: u32 = 1021;
/// A folder that every user in the guest may write to, in which activations leave traces.
pub(crate) const TRACES: &str = "/srv/traces";

/// The agent's user and platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agent {
    /// A NixOS host's, as root.
    Root,
    /// A NixOS host's, as a separate user with sudo.
    Sudo,
    /// A home's, as its user, under the user's own systemd.
    Home,
}

/// Settings of a world.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) agent: Agent,
    /// The activation of a generation: a shell script in which `$build` is the generation and `become` makes
    /// it run.
    pub(crate) activation: String,
    /// An administrator's drop-in for the agent's unit.
    pub(crate) drop_in: Option<&'static str>,
    /// An addition to the agent's configuration.
    pub(crate) configuration: &'static str,
}

impl Plan {
    pub(crate) fn new(agent: Agent, activation: impl Into<String>) -> Self {
        Self { agent, activation: activation.into(), drop_in: None, configuration: "tests.basic = false\n" }
    }
}

/// A guest with server, agent and three generations. The third one runs.
pub(crate) struct World {
    pub(crate) guest: Guest,
    agent: Agent,
}

impl World {
    /// Boots a guest, and waits until its host has reported.
    pub(crate) fn make(programs: &Programs, plan: &Plan) -> Result<Self> {
        let guest = boot(programs)?;
        let world = Self { guest, agent: plan.agent };
        world.install_server()?;
        world.install_agent(plan)?;
        world.make_generations(&plan.activation)?;
        let made = world.start();
        made.with_context(|| world.journal())?;
        Ok(world)
    }

    fn install_server(&self) -> Result<()> {
        let guest = &self.guest;
        guest.write("/etc/systemd/system/backstay-server.service", SERVER_UNIT, 0o644)?;
        // The unit's dynamic user reads it.
        guest.write("/etc/backstay/admin-password", PASSWORD, 0o644)?;
        let variables = "BACKSTAY_ADMIN_PASSWORD_FILE=/etc/backstay/admin-password\n";
        guest.write("/etc/backstay/server.env", variables, 0o600)?;
        guest.script("mkdir -p /usr/local/share/backstay/site; systemctl daemon-reload; systemctl -q enable backstay-server; systemctl start backstay-server")?;
        Ok(())
    }

    fn install_agent(&self, plan: &Plan) -> Result<()> {
        let guest = &self.guest;
        guest.script(&format!(
            "useradd --uid {UID} --create-home {USER}; useradd --system --home-dir /var/lib/backstay-agent backstay; mkdir -m 777 {TRACES}"
        ))?;
        guest.write("/etc/systemd/system/current-system.service", CURRENT_SYSTEM, 0o644)?;
        guest.run(&["systemctl", "--quiet", "enable", "current-system"])?;
        let (folder, unit) = match self.agent {
            Agent::Home => (format!("/home/{USER}/.config/systemd/user"), USER_UNIT),
            Agent::Root | Agent::Sudo => ("/etc/systemd/system".to_owned(), AGENT_UNIT),
        };
        guest.write(&format!("{folder}/backstay-agent.service"), unit, 0o644)?;
        if self.agent == Agent::Sudo {
            guest.write(&format!("{folder}/backstay-agent.service.d/sudo.conf"), SUDO_DROP_IN, 0o644)?;
            guest.write("/etc/sudoers.d/backstay", SUDOERS, 0o440)?;
        }
        if let Some(text) = plan.drop_in {
            guest.write(&format!("{folder}/backstay-agent.service.d/zz.conf"), text, 0o644)?;
        }
        guest.write(&self.configuration_file(), &self.configuration(plan.configuration), 0o644)
    }

    fn configuration_file(&self) -> String {
        match self.agent {
            Agent::Home => format!("/home/{USER}/.config/backstay/agent.toml"),
            Agent::Root | Agent::Sudo => "/etc/backstay/agent.toml".to_owned(),
        }
    }

    fn configuration(&self, more: &str) -> String {
        let (platform, state) = match self.agent {
            Agent::Home => ("home-manager", format!("/home/{USER}/.local/state/backstay-agent")),
            Agent::Root | Agent::Sudo => ("nixos", "/var/lib/backstay-agent".to_owned()),
        };
        format!(
            "server = {SERVER:?}\nname = \"gpc0\"\nplatform = {platform:?}\nstate_dir = {state:?}\n\
             join_token_file = \"/srv/token\"\nwatch_interval = 1\n{more}"
        )
    }

    /// Three generations, each with the same activation.
    fn make_generations(&self, activation: &str) -> Result<()> {
        let guest = &self.guest;
        if self.agent == Agent::Home {
            guest.script(&format!("chown {USER}: /nix; chown -R {USER}: /home/{USER}"))?;
        }
        guest.write("/etc/nix/nix.conf", "build-users-group =\nsandbox = false\n", 0o644)?;
        let program = if self.agent == Agent::Home { "activate" } else { "bin/switch-to-configuration" };
        for name in ["one", "two", "three"] {
            guest.write(&format!("/tmp/{name}/{program}"), &self.activation(activation), 0o755)?;
            guest.write(&format!("/tmp/{name}/nixos-version"), name, 0o644)?;
            guest.write(&format!("/tmp/{name}/gen-version"), "1", 0o644)?;
            // Programs are found under the running generation, as on NixOS.
            guest.script(&format!("ln -s /usr /tmp/{name}/sw"))?;
            let add = format!("{} $(nix-store --add /tmp/{name}) 2>/dev/null", self.nix_env("--set"));
            output(self.as_owner("sh").args(["-ec", &add]))?;
        }
        output(
            self.as_owner("sh").args(["-ec", &format!("{BECOME}become $(readlink -f {})", self.profile())]),
        )?;
        Ok(())
    }

    fn nix_env(&self, words: &str) -> String {
        format!("mkdir -p {}; nix-env --profile {} {words}", parent(&self.profile()), self.profile())
    }

    /// The program that activates a generation.
    fn activation(&self, activation: &str) -> String {
        let start = match self.agent {
            Agent::Home => "build=$(dirname \"$(readlink -f \"$0\")\")\n",
            Agent::Root | Agent::Sudo => {
                "build=$(dirname \"$(dirname \"$(readlink -f \"$0\")\")\")\n[ \"$1\" = check ] && exit 0\n"
            }
        };
        format!("#!/bin/bash\n{start}echo x >>{TRACES}/activations\n{BECOME}{PAUSE}{activation}\n")
    }

    fn start(&self) -> Result<()> {
        let guest = &self.guest;
        self.inside(&["serving"])?;
        let token = guest.run(&[
            "/usr/local/bin/backstay-server",
            "join-token",
            "--database",
            &format!("sqlite://{DATABASE}"),
            "--name",
            "gpc0",
        ])?;
        guest.write("/srv/token", &token, 0o644)?;
        if self.agent == Agent::Home {
            guest.script(&format!("loginctl enable-linger {USER}"))?;
            wait_for("the user's systemd", || Ok(guest.has(&format!("/run/user/{UID}/systemd/private"))))?;
        }
        self.manage(&["daemon-reload"])?;
        self.manage(&["enable", "--quiet", "backstay-agent"])?;
        self.manage(&["start", "backstay-agent"])?;
        self.inside(&["reported", "3"])?;
        // A test op that follows automatically would be the newest op.
        self.inside(&["post", "set_auto_test", "host=gpc0", "on=false"])?;
        Ok(())
    }

    /// What the agent's doctor says, as the agent's user, and whether it found nothing broken.
    pub(crate) fn agent_says(&self, action: &str) -> Result<(String, bool)> {
        const AGENT: &str = "/usr/local/bin/backstay-agent";
        let mut command = match self.agent {
            Agent::Sudo => {
                let mut command = self.guest.command("runuser");
                command.args(["--user", "backstay", "--", AGENT]);
                command
            }
            Agent::Root | Agent::Home => self.as_owner(AGENT),
        };
        let done = command.args(["--config", &self.configuration_file(), action]).output()?;
        let said = [done.stdout, done.stderr].concat();
        Ok((String::from_utf8_lossy(&said).into_owned(), done.status.success()))
    }

    /// The profile whose generations are the host's.
    pub(crate) fn profile(&self) -> String {
        match self.agent {
            Agent::Home => format!("/home/{USER}/.local/state/nix/profiles/home-manager"),
            Agent::Root | Agent::Sudo => "/nix/var/nix/profiles/system".to_owned(),
        }
    }

    /// The current generation.
    pub(crate) fn current(&self) -> Result<u32> {
        let link = std::fs::read_link(self.guest.outside(&self.profile()))?;
        let name = link.to_string_lossy().into_owned();
        let number = name.strip_suffix("-link").and_then(|rest| rest.rsplit('-').next());
        number.and_then(|digits| digits.parse().ok()).with_context(|| format!("{name} is no generation"))
    }

    fn store_path(&self, number: u32) -> Result<String> {
        let link = self.guest.outside(&format!("{}-{number}-link", self.profile()));
        Ok(std::fs::read_link(link)?.to_string_lossy().into_owned())
    }

    /// Requests a rollback from the third generation to another.
    pub(crate) fn ask_for_rollback(&self, target: u32) -> Result<()> {
        let target = format!("target={target} {}", self.store_path(target)?);
        let seen = format!("seen=3 {}", self.store_path(3)?);
        self.inside(&["post", "request_rollback", "host=gpc0", &target, &seen, "reason=test", "back=/"])?;
        Ok(())
    }

    /// The latest op, once it has ended.
    pub(crate) fn end_of_op(&self) -> Result<Op> {
        self.op(&[])
    }

    /// The latest op, once the server has this line of it.
    pub(crate) fn op_with_line(&self, line: &str) -> Result<Op> {
        self.op(&["--line", line])
    }

    fn op(&self, words: &[&str]) -> Result<Op> {
        let told = self.inside(&[&["op"], words].concat()).with_context(|| self.journal())?;
        Ok(serde_json::from_str(&told)?)
    }

    /// Runs this program in the guest.
    pub(crate) fn inside(&self, words: &[&str]) -> Result<String> {
        output(self.guest.command(INSIDE).arg("inside").args(words))
    }

    /// A command as the owner of the profile.
    fn as_owner(&self, program: &str) -> std::process::Command {
        match self.agent {
            Agent::Home => self.guest.command_as(USER, UID, program),
            Agent::Root | Agent::Sudo => self.guest.command(program),
        }
    }

    /// `systemctl` of the manager that the agent's unit belongs to.
    pub(crate) fn manage(&self, words: &[&str]) -> Result<String> {
        let mut command = self.as_owner("systemctl");
        if self.agent == Agent::Home {
            command.arg("--user");
        }
        output(command.args(words))
    }

    /// Waits until the agent's unit is active.
    pub(crate) fn wait_for_agent(&self) -> Result<()> {
        wait_for("the agent's unit to be active", || {
            Ok(self.manage(&["is-active", "backstay-agent"]).is_ok())
        })
        .with_context(|| self.journal())
    }

    /// Waits until an activation pauses in its middle.
    pub(crate) fn wait_for_pause(&self) -> Result<()> {
        wait_for("the activation to pause", || Ok(self.guest.has(&format!("{TRACES}/here"))))
            .with_context(|| self.journal())
    }

    /// Lets the activation continue.
    pub(crate) fn go_on(&self) -> Result<()> {
        self.guest.write(&format!("{TRACES}/go"), "", 0o666)
    }

    /// The number of activations.
    pub(crate) fn activations(&self) -> usize {
        self.guest.read(&format!("{TRACES}/activations")).map_or(0, |text| text.lines().count())
    }

    /// The output of `systemd-analyze` about a unit, as the owner of the agent.
    pub(crate) fn complaints(&self, words: &[&str]) -> Result<String> {
        let analyze = self.as_owner("systemd-analyze").args(words).output()?;
        let said = [analyze.stdout, analyze.stderr].concat();
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    }

    /// The units' logs, for an error.
    pub(crate) fn journal(&self) -> String {
        let lines = self.guest.run(&["journalctl", "--no-pager", "--no-hostname", "-o", "cat", "-n", "40"]);
        format!("the guest's journal:\n{}\n", lines.unwrap_or_else(|error| error.to_string()))
    }

    /// Whether no unit of an op is running.
    pub(crate) fn has_no_scope(&self) -> Result<bool> {
        // An inactive scope stays loaded until systemd reads its units again.
        Ok(self.manage(&["list-units", "backstay-op*", "--no-legend", "--plain"])?.trim().is_empty())
    }
}

/// As NixOS does early in its boot.
const CURRENT_SYSTEM: &str = r"[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'ln -sfn $(readlink -f /nix/var/nix/profiles/system) /run/current-system'
[Install]
WantedBy=sysinit.target
";

/// Makes a generation run: sets `/run/current-system`, or home-manager's link.
const BECOME: &str = r#"become() {
    case "$HOME" in
    /home/*) mkdir -p "$HOME/.local/state/home-manager/gcroots"; ln -sfn "$1" "$HOME/.local/state/home-manager/gcroots/current-home" ;;
    *) ln -sfn "$1" /run/current-system ;;
    esac
}
"#;

/// Pauses until the story continues.
const PAUSE: &str = r"pause() { : >/srv/traces/here; while [ ! -e /srv/traces/go ]; do sleep 0.05; done; }
";

fn parent(path: &str) -> String {
    Path::new(path).parent().unwrap_or(Path::new("/")).display().to_string()
}

fn boot(programs: &Programs) -> Result<Guest> {
    let this = std::env::current_exe()?;
    let binds = BTreeMap::from([
        (programs.server.clone(), "/usr/local/bin/backstay-server"),
        (programs.agent.clone(), "/usr/local/bin/backstay-agent"),
        (this, INSIDE),
    ]);
    let binds = binds.into_iter().map(|(from, to)| (from, to.into())).collect();
    Guest::boot(&Options { binds, ..Options::default() })
}

/// Waits until a condition holds.
pub(crate) fn wait_for(what: &str, holds: impl Fn() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > Duration::from_mins(1) {
            bail!("waited a minute for {what}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
