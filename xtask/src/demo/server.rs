//! The demo's server.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::github::GitHub;
use super::secret;
use super::stop::Stop;
use super::supervisor::Supervisor;
use super::wait::wait_for_address;
use crate::build::Built;
use crate::run;

/// The login name.
pub(crate) const USER: &str = "admin";

/// The server's folder and options.
pub(crate) struct Start<'a> {
    pub(crate) built: &'a Built,
    pub(crate) folder: &'a Path,
    pub(crate) port: u16,
}

/// The server, once it listens.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) password: String,
    pub(crate) pid: u32,
    pub(crate) log: PathBuf,
}

impl Start<'_> {
    /// The database, in the syntax of `--database`.
    pub(crate) fn database(&self) -> String {
        format!("sqlite://{}", self.folder.join("backstay.sqlite3").display())
    }

    /// Returns a join token for a host of this name.
    pub(crate) fn join_token(&self, name: &str) -> Result<String> {
        let mut server = Command::new(&self.built.server);
        server.args(["join-token", "--database", &self.database(), "--name", name]);
        Ok(run::read(&mut server)?.trim().to_owned())
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn server(&self, supervisor: &mut Supervisor, github: &GitHub, stop: &Stop) -> Result<Server> {
        let password = secret::new()?;
        let log = self.folder.join("server.log");
        let password_file = self.folder.join("admin-password");
        secret::write(&password_file, &password)?;
        let mut command = Command::new(&self.built.server);
        command
            .args(["serve", "--database", &self.database()])
            .args(["--listen", &format!("127.0.0.1:{}", self.port), "--site-root"])
            .arg(&self.built.site)
            .args(["--branch", "main", "--poll-seconds", "2", "--admin-user", USER])
            .arg("--admin-password-file")
            .arg(&password_file);
        github.introduce_to(&mut command);
        let pid = supervisor.start("the server", command, &log)?;
        let url = wait_for_address(supervisor, stop, &log, "listening on ")?;
        Ok(Server { url, password, pid, log })
    }
}
