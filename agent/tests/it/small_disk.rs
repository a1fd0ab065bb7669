//! A small disk for the agent's state: a real file system in its own mount namespace, which can be filled and
//! made read-only without harm to anything else.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use backstay_model::OpId;

use crate::host::Host;
use crate::process::{AGENT, AgentProcess, output};
use crate::server::Server;
use crate::wait::until;

/// Its size: an op and its output fit several times.
const SIZE: &str = "size=8m";

/// A small disk under the state folder of a host. An idle process keeps its namespace.
pub(crate) struct SmallDisk {
    keeper: Child,
    state: PathBuf,
}

impl SmallDisk {
    /// Creates one, or prints a notice and returns `None` if the system does not allow that.
    pub(crate) async fn under(host: &Host) -> Option<Self> {
        let state = host.at("state");
        fs::create_dir_all(&state).unwrap();
        let tried = output(namespace("mount -t tmpfs -o size=64k disk \"$1\"").arg(&state));
        if !tried.status.success() {
            let why = String::from_utf8_lossy(&tried.stderr).into_owned();
            eprintln!("LEFT OUT: this system does not let a test mount a disk in a namespace: {why}");
            return None;
        }
        let script =
            format!("mount -t tmpfs -o {SIZE},mode=700 disk \"$1\" && : >\"$1/mounted\" && exec sleep 1000");
        let keeper = namespace(&script).arg(&state).stdin(Stdio::null()).spawn().unwrap();
        let disk = Self { keeper, state };
        until("the small disk", || disk.at("mounted").exists()).await;
        Some(disk)
    }

    /// Starts an agent whose state is on the disk.
    pub(crate) fn agent(&self, host: &Host, server: &Server) -> AgentProcess {
        let inside = self.inside();
        let mut command = host.command(&inside[0]);
        command.args(&inside[1..]).arg(AGENT).arg("--config").arg(host.configuration(&server.url, ""));
        AgentProcess::start(command, &host.at("agent.log"))
    }

    /// The path of something in the state folder, from outside.
    pub(crate) fn at(&self, inside: impl AsRef<Path>) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(self.state.strip_prefix("/").unwrap()).join(inside)
    }

    /// The folder of an op in the journal.
    pub(crate) fn journal(&self, op: OpId) -> PathBuf {
        self.at("journal").join(op.to_string())
    }

    /// The process that runs an op.
    pub(crate) fn runner(&self, op: OpId) -> i32 {
        let begun = fs::read_to_string(self.journal(op).join("begun")).unwrap();
        begun.lines().next().unwrap().parse().unwrap()
    }

    /// Fills the disk.
    pub(crate) fn fill(&self) {
        let mut ballast = fs::File::create(self.at("ballast")).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while ballast.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    /// Frees the space again.
    pub(crate) fn make_room(&self) {
        fs::remove_file(self.at("ballast")).unwrap();
    }

    /// Remounts it as read-only (`ro`) or writable (`rw`).
    pub(crate) fn remount(&self, how: &str) {
        let inside = self.inside();
        let mut command = Command::new(&inside[0]);
        command.args(&inside[1..]).args(["mount", "-o", &format!("remount,bind,{how}")]).arg(&self.state);
        let done = output(&mut command);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A command that runs in the disk's namespace.
    fn inside(&self) -> Vec<String> {
        let keeper = self.keeper.id().to_string();
        ["nsenter", "--user", "--mount", "--preserve-credentials", "--target", &keeper, "--"]
            .map(str::to_owned)
            .to_vec()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn namespace(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    command
}
