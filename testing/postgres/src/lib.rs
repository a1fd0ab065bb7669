//! A PostgreSQL server for tests, from Debian's package, in a temporary folder.
//!
//! `cargo xtask test` starts one server for all tests and names it in [`VARIABLE`]. A test that runs without it
//! starts one of its own. Either way the server ends with the process that started it, also if that is killed:
//! `setpriv` asks the kernel for a signal in that case.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

/// The environment variable with the socket's folder of the server that all tests share.
pub const VARIABLE: &str = "BACKSTAY_TEST_POSTGRES";
/// The name of the databases' owner.
const OWNER: &str = "backstay";
/// Upper bound on the start. Long, because a busy machine is not the server's fault.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(20);

/// A server. Dropping it stops the server and deletes its folder.
#[derive(Debug)]
pub struct Server {
    folder: TempDir,
    pid: Pid,
    waiter: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server that listens on a Unix socket alone.
    ///
    /// # Errors
    /// An error if PostgreSQL is not installed or does not start.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("backstay-postgres-").tempdir()?;
        let user = unprivileged()?;
        if let Some(user) = user {
            chown(folder.path(), Some(user), Some(user))?;
        }
        let data = folder.path().join("data");
        let log = File::create(folder.path().join("log"))?;
        let mut initdb = under(user, &programs.join("initdb"));
        initdb.args([
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--username",
            OWNER,
        ]);
        let made =
            initdb.arg("--pgdata").arg(&data).stdout(log.try_clone()?).stderr(log.try_clone()?).status()?;
        if !made.success() {
            bail!("initdb failed: {}", fs::read_to_string(folder.path().join("log")).unwrap_or_default());
        }
        let mut postgres = under(user, &programs.join("postgres"));
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path());
        for setting in [
            "listen_addresses=",
            // A power cut takes the tests with it.
            "fsync=off",
            "full_page_writes=off",
            "max_connections=400",
            "shared_buffers=64MB",
        ] {
            postgres.args(["-c", setting]);
        }
        postgres.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let (pid, waiter) = spawn(postgres)?;
        let server = Self { folder, pid, waiter: Some(waiter) };
        server.wait_until_ready(&programs)?;
        Ok(server)
    }

    /// The folder with its socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn wait_until_ready(&self, programs: &Path) -> Result<()> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let mut check = Command::new(programs.join("pg_isready"));
            check.arg("--quiet").arg("--host").arg(self.folder()).stdin(Stdio::null());
            if check.status()?.success() {
                return Ok(());
            }
            let has_ended = self.waiter.as_ref().is_none_or(JoinHandle::is_finished);
            if has_ended || Instant::now() > give_up {
                let log = fs::read_to_string(self.folder().join("log")).unwrap_or_default();
                bail!("PostgreSQL does not start: {log}");
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let has_ended = self.waiter.as_ref().is_none_or(JoinHandle::is_finished);
        // Ends every connection, and waits for none.
        if !has_ended && kill_process(self.pid, Signal::INT).is_err() {
            return;
        }
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
    }
}

/// The URL of a database of the server whose socket is in this folder.
pub fn url(folder: &Path, database: &str) -> String {
    format!("postgres:///{database}?host={}&user={OWNER}", folder.display())
}

/// Spawns the server from a thread that lives while it does: the kernel's signal comes at the end of the thread.
fn spawn(mut command: Command) -> Result<(Pid, JoinHandle<()>)> {
    let (send, receive) = mpsc::channel::<std::io::Result<Pid>>();
    let waiter = thread::spawn(move || match command.spawn() {
        Ok(mut child) => {
            let _ = send.send(Ok(Pid::from_child(&child)));
            let _ = child.wait();
        }
        Err(error) => {
            let _ = send.send(Err(error));
        }
    });
    Ok((receive.recv()?.context("setpriv, of util-linux, cannot be run")?, waiter))
}

/// A command that ends with the thread that spawns it, as this user.
fn under(user: Option<u32>, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = user {
        command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--clear-groups");
    }
    command.args(["--pdeathsig", "INT"]).arg(program).current_dir("/");
    command
}

/// The user to run as: PostgreSQL refuses to run as root, so this is `nobody` in that case.
fn unprivileged() -> Result<Option<u32>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let nobody =
        users.lines().find(|line| line.starts_with("nobody:")).and_then(|line| line.split(':').nth(2));
    Ok(Some(nobody.context("this system has no user nobody")?.parse()?))
}

/// The folder with the programs of the newest version: Debian keeps them off the PATH.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    let newest = folders.filter(|bin| bin.join("postgres").exists()).max();
    newest.context("PostgreSQL is not installed; run `cargo xtask setup`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_ends_with_its_owner() {
        let server = Server::start().unwrap();
        let (pid, folder) = (server.pid, server.folder().to_owned());
        assert!(folder.join(".s.PGSQL.5432").exists());
        drop(server);
        assert!(rustix::process::test_kill_process(pid).is_err());
        assert!(!folder.exists());
    }
}
