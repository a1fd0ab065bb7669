//! A host in a folder: its own Nix store, a real profile with real generations, and builds whose activation
//! is a script.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use backstay_model::{GenerationRef, OpAction, OpId};
use backstay_nix_host::{Profile, Store};

use crate::process::{AGENT, AgentProcess};
use crate::server::Server;

/// A successful activation.
pub(crate) const ACTIVATE: &str = "echo 'activating the configuration...' >&2\nrun_it\n";
/// Pauses until the test lets it go on.
pub(crate) const HOLD: &str = ": >\"$host/holding\"\nwhile [ -e \"$host/hold\" ]; do sleep 0.02; done\n";

/// A host in a folder.
pub(crate) struct Host {
    _folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
    platform: &'static str,
    store: Store,
}

impl Host {
    pub(crate) fn nixos() -> Self {
        Self::new("nixos")
    }

    pub(crate) fn new(platform: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        for inside in ["run", "bin", "tests"] {
            fs::create_dir_all(path.join(inside)).unwrap();
        }
        Self { store: Store::create(&path).unwrap(), _folder: folder, path, platform }
    }

    pub(crate) fn at(&self, inside: &str) -> PathBuf {
        self.path.join(inside)
    }

    pub(crate) fn profile(&self) -> PathBuf {
        self.at("profiles/system")
    }

    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.path).envs(self.store.environment()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        // These agents are no services, whatever started the tests.
        command.env_remove("INVOCATION_ID");
        command
    }

    /// Adds a folder with these executable files to the store.
    pub(crate) fn add(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        self.add_with_links(name, files, &[])
    }

    /// Adds a folder with these files and links to the store.
    pub(crate) fn add_with_links(
        &self,
        name: &str,
        files: &[(&str, &str)],
        links: &[(&str, PathBuf)],
    ) -> PathBuf {
        let fill = |folder: &Path| {
            for (path, content) in files {
                write_script(&folder.join(path), content);
            }
            for (link, target) in links {
                symlink(target, folder.join(link)).unwrap();
            }
            Ok(())
        };
        self.store.add(name, fill).unwrap()
    }

    /// A script that knows its host and build, logs its call, and then runs `body`.
    pub(crate) fn script(&self, body: &str) -> String {
        let host = self.path.display();
        format!(
            "#!/bin/sh\nhost='{host}'\nbuild=$(readlink -f \"$0\" | sed 's,/bin/[^/]*$,,; s,/activate$,,')\n\
             run_it() {{ ln -sfn \"$build\" \"$host/run/current-system\"; }}\n\
             echo \"$(basename \"$0\") $*\" >>\"$host/calls.log\"\n{body}"
        )
    }

    /// A NixOS build with this `switch`, whose `check` passes.
    pub(crate) fn build(&self, name: &str, switch: &str) -> PathBuf {
        self.build_with(name, "echo 'all pre-switch checks passed'", switch)
    }

    pub(crate) fn build_with(&self, name: &str, check: &str, switch: &str) -> PathBuf {
        let script = self.script(&format!(
            "case \"$1\" in\ncheck) {check} ;;\nswitch)\n{switch}\n;;\n*) exit 9 ;;\nesac\n"
        ));
        self.add(
            name,
            &[("bin/switch-to-configuration", script.as_str()), ("nixos-version", "25.11"), ("name", name)],
        )
    }

    /// Makes a new generation of a build, and returns its number.
    pub(crate) fn set(&self, build: &Path) -> u32 {
        self.nix_profile().set(build).unwrap()
    }

    fn nix_profile(&self) -> Profile<'_> {
        Profile::at(&self.store, self.profile()).unwrap()
    }

    /// A host with three generations that activate well. The last is current and running.
    pub(crate) fn with_three() -> Self {
        let host = Self::nixos();
        for name in ["one", "two", "three"] {
            host.set(&host.build(name, ACTIVATE));
        }
        host.runs(3);
        host
    }

    /// The generation that the profile points at.
    pub(crate) fn current(&self) -> u32 {
        self.nix_profile().current().unwrap()
    }

    pub(crate) fn store_path(&self, number: u32) -> PathBuf {
        fs::read_link(self.nix_profile().link(number)).unwrap()
    }

    pub(crate) fn reference(&self, number: u32) -> GenerationRef {
        GenerationRef { number, store_path: self.store_path(number).display().to_string() }
    }

    pub(crate) fn rollback(&self, seen: u32, target: u32) -> OpAction {
        OpAction::Rollback {
            target: self.reference(target),
            seen_current: self.reference(seen),
            specialisation: None,
        }
    }

    /// Sets which generation runs, without activating it.
    pub(crate) fn runs(&self, number: u32) {
        let link = self.at("run/current-system");
        let _ = fs::remove_file(&link);
        symlink(self.store_path(number), link).unwrap();
    }

    /// The running build.
    pub(crate) fn running(&self) -> PathBuf {
        fs::read_link(self.at("run/current-system")).unwrap()
    }

    /// The calls of scripts, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.at("calls.log")).unwrap_or_default();
        log.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// The number of activations.
    pub(crate) fn switches(&self) -> usize {
        self.calls().iter().filter(|call| *call == "switch-to-configuration switch").count()
    }

    /// Puts a stand-in for a program at its configured path.
    pub(crate) fn stand_in(&self, program: &str, body: &str) {
        write_script(&self.at("bin").join(program), &self.script(body));
    }

    pub(crate) fn write_test(&self, name: &str, script: &str) {
        write_script(
            &self.at("tests").join(name),
            &format!("#!/bin/sh\nhost='{}'\n{script}\n", self.path.display()),
        );
    }

    pub(crate) fn let_go(&self) {
        fs::remove_file(self.at("hold")).unwrap();
    }

    pub(crate) fn hold(&self) {
        fs::write(self.at("hold"), "").unwrap();
    }

    pub(crate) fn is_holding(&self) -> bool {
        self.at("holding").exists()
    }

    /// Writes the agent's configuration with these keys about tests, and returns its path.
    pub(crate) fn configuration_with_tests(&self, server: &str, more: &str) -> PathBuf {
        let path = self.configuration(server, "");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("[tests]\n", &format!("[tests]\n{more}\n"))).unwrap();
        path
    }

    /// Writes the agent's configuration and returns its path.
    pub(crate) fn configuration(&self, server: &str, more: &str) -> PathBuf {
        let at = |inside: &str| self.at(inside).display().to_string();
        let text = format!(
            "server = \"{server}\"\nname = \"gpc0\"\nplatform = \"{}\"\nstate_dir = \"{}\"\nwatch_interval = 1\n{more}\n\
             [profile]\npath = \"{}\"\nrunning_system = \"{}\"\nbooted_system = \"{}\"\n\
             [checkout]\npath = \"{}\"\n[tests]\ndir = \"{}\"\nbasic = false\ntimeout = 60\n[activation]\nmin_timeout = 1\n\
             [commands]\nsudo = [\"env\"]\nnixos_rebuild = [\"{}\"]\ndarwin_rebuild = [\"{}\"]\nhome_manager = [\"{}\"]\n",
            self.platform,
            at("state"),
            at("profiles/system"),
            at("run/current-system"),
            at("run/booted-system"),
            at("checkout"),
            at("tests"),
            at("bin/nixos-rebuild"),
            at("bin/darwin-rebuild"),
            at("bin/home-manager"),
        );
        // Without a stand-in the agent uses the host's systemd, if there is one.
        let systemctl = self.at("bin/systemctl");
        let systemctl = if systemctl.exists() {
            format!("systemctl = [\"{}\"]\n", systemctl.display())
        } else {
            String::new()
        };
        let path = self.at("agent.toml");
        fs::write(&path, text + &systemctl).unwrap();
        path
    }

    /// The agent's program with its configuration and these arguments.
    pub(crate) fn agent_command(&self, server: &str, words: &[&str]) -> Command {
        let mut command = self.command(AGENT);
        command.arg("--config").arg(self.configuration(server, "")).args(words);
        command
    }

    /// Starts an agent.
    pub(crate) fn agent(&self, server: &Server) -> AgentProcess {
        AgentProcess::start(self.agent_command(&server.url, &[]), &self.at("agent.log"))
    }

    /// Starts an agent that finds stand-ins in its PATH before the real programs.
    pub(crate) fn agent_with_stand_ins(&self, server: &Server) -> AgentProcess {
        let mut command = self.agent_command(&server.url, &[]);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.at("bin").display()));
        AgentProcess::start(command, &self.at("agent.log"))
    }

    /// The agent's log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.at("agent.log")).unwrap_or_default()
    }

    /// The folder of an op in the agent's journal.
    pub(crate) fn journal(&self, op: OpId) -> PathBuf {
        self.at("state/journal").join(op.to_string())
    }

    /// Whether a running op has written this.
    pub(crate) fn has_told(&self, op: OpId, text: &str) -> bool {
        fs::read_to_string(self.journal(op).join("output.jsonl")).is_ok_and(|told| told.contains(text))
    }

    /// The process that runs an op.
    pub(crate) fn runner(&self, op: OpId) -> i32 {
        let begun = fs::read_to_string(self.journal(op).join("begun")).unwrap();
        begun.lines().next().unwrap().parse().unwrap()
    }
}

/// The log disappears with the host, but explains a failure.
impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the agent's log:\n{}", self.log());
        }
    }
}

/// Writes an executable file, and creates its folder.
pub(crate) fn write_script(path: &Path, text: &str) {
    backstay_nix_host::write_script(path, text).unwrap();
}
