//! A guest: this machine's own systemd, booted within a second in namespaces on an overlay of this machine's
//! files.
//!
//! What happens in a guest stays there: it has its own processes, mounts, users, control groups and devices,
//! and its own network unless it shares the machine's. Nothing of it is left once its [`Guest`] is dropped or
//! the program that booted it has ended, however it ended.
//!
//! It needs root, util-linux, systemd and dbus. [`lacking`] names what a machine lacks.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// The path of the machine's systemd.
const SYSTEMD: &str = "/lib/systemd/systemd";
/// The programs that boot and inspect a guest.
const PROGRAMS: [&str; 5] = ["unshare", "nsenter", "setpriv", "pivot_root", "dbus-daemon"];
/// Time limit for a guest to boot or to end.
const PATIENCE: Duration = Duration::from_mins(1);
/// Interval between checks of that.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A guest's PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Prefix of the guests' folders, in the temporary folder and among the control groups.
const PREFIX: &str = "backstay-guest-";

/// The network of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// Its own network, in which it is alone.
    #[default]
    Own,
    /// The machine's: the processes of both reach each other under 127.0.0.1.
    Machine,
}

/// Settings of a guest.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and folders of the machine, and their paths in the guest. The guest can write to the folders and
    /// not to the files.
    pub binds: Vec<(PathBuf, PathBuf)>,
    /// Its network.
    pub network: Network,
}

/// What this machine lacks for guests, or `None` if they can be booted.
#[must_use]
pub fn lacking() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("it takes root".to_owned());
    }
    if !Path::new(SYSTEMD).exists() {
        return Some(format!("there is no {SYSTEMD}"));
    }
    let has = |program: &&&str| PATH.split(':').any(|folder| Path::new(folder).join(program).exists());
    if let Some(program) = PROGRAMS.iter().find(|program| !has(program)) {
        return Some(format!("there is no {program}"));
    }
    if control_groups().is_none() {
        return Some("no unified hierarchy of control groups is mounted".to_owned());
    }
    let tried = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--cgroup"])
        .args(["mount", "-t", "tmpfs", "tmpfs", "/tmp"])
        .stdin(Stdio::null())
        .output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Some(format!("this system allows no namespaces ({})", said.trim()))
        }
        Err(error) => Some(format!("unshare cannot be started ({error})")),
    }
}

/// The unified hierarchy of control groups.
fn control_groups() -> Option<PathBuf> {
    let places = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
    places
        .map(PathBuf::from)
        .into_iter()
        .find(|place| place.join("cgroup.procs").exists() && place.join("cgroup.controllers").exists())
}

/// A running guest.
#[derive(Debug)]
pub struct Guest {
    folder: PathBuf,
    supervisor: Child,
    pid: u32,
}

impl Guest {
    /// Boots a guest and waits until everything in it has started.
    ///
    /// # Errors
    /// If it cannot be booted. The error includes the messages of its systemd.
    pub fn boot(options: &Options) -> Result<Self> {
        let groups = control_groups().context("no unified hierarchy of control groups is mounted")?;
        clear_abandoned(&groups);
        let folder =
            tempfile::Builder::new().prefix(&format!("{PREFIX}{}-", std::process::id())).tempdir()?.keep();
        let cgroup = groups.join(folder.file_name().unwrap_or_default());
        fs::create_dir(folder.join("disk"))?;
        fs::write(folder.join("init.sh"), include_str!("init.sh"))?;
        fs::write(folder.join("binds"), binds(&options.binds))?;
        let network = match options.network {
            Network::Own => "--net",
            Network::Machine => "",
        };
        let supervisor = Command::new("unshare")
            .args(["--mount", "sh", "-c", include_str!("supervise.sh"), "supervise"])
            .arg(&folder)
            .arg(&cgroup)
            .arg(network)
            .stdin(Stdio::piped())
            // An interrupt from the terminal must reach only this program, which then drops its guests.
            .process_group(0)
            .spawn()
            .context("unshare cannot be started")?;
        let mut guest = Self { folder, supervisor, pid: 0 };
        guest.wait_for_boot().with_context(|| format!("the guest did not boot: {}", guest.console()))?;
        Ok(guest)
    }

    /// Reboots it like a person at its console, and waits until it has started again.
    ///
    /// # Errors
    /// If it does not come back.
    pub fn reboot(&mut self) -> Result<()> {
        let before = self.pid;
        // The reboot cuts off its answer.
        let _ = self.command("systemctl").arg("reboot").output();
        self.wait_for(|guest| guest.read_pid().is_some_and(|pid| pid != before))
            .context("the guest did not reboot")?;
        self.wait_for_boot().with_context(|| format!("the guest did not come back: {}", self.console()))
    }

    /// A command in the guest, as root, without this program's environment.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args([
            "--target",
            &self.pid.to_string(),
            "--all",
            "env",
            "--chdir=/",
            "--ignore-environment",
        ]);
        command.args([&format!("PATH={PATH}"), "HOME=/root", "LANG=C.UTF-8", program]).stdin(Stdio::null());
        command
    }

    /// A command in the guest as one of its users, with access to that user's systemd.
    #[must_use]
    pub fn command_as(&self, user: &str, uid: u32, program: &str) -> Command {
        let mut command = self.command("runuser");
        let home = format!("HOME=/home/{user}");
        let runtime = format!("XDG_RUNTIME_DIR=/run/user/{uid}");
        command.args(["-u", user, "--", "env", &home, &runtime, program]);
        command
    }

    /// Runs a command in the guest to completion, and returns its standard output.
    ///
    /// # Errors
    /// If it cannot be started or does not exit with 0. The error includes its messages.
    pub fn run(&self, argv: &[&str]) -> Result<String> {
        let (program, arguments) = argv.split_first().context("no program is given")?;
        output(self.command(program).args(arguments))
    }

    /// Runs a shell script in the guest to completion, and returns its standard output.
    ///
    /// # Errors
    /// Like [`Guest::run`].
    pub fn script(&self, text: &str) -> Result<String> {
        self.run(&["sh", "-ec", text])
    }

    /// Writes a file of the guest, and creates its folder if necessary.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &str, text: &str, mode: u32) -> Result<()> {
        let file = self.outside(path);
        let written = || -> io::Result<()> {
            file.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&file, text)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(mode))
        };
        written().with_context(|| format!("the guest's {path} cannot be written"))
    }

    /// Reads a file of the guest.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.outside(path)).with_context(|| format!("the guest's {path} cannot be read"))
    }

    /// Whether the guest has a file.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.outside(path).symlink_metadata().is_ok()
    }

    /// The path of a guest's file on the machine, if no absolute link is on the way.
    #[must_use]
    pub fn outside(&self, path: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.pid)).join(path.trim_start_matches('/'))
    }

    /// The machine's ID of the guest's first process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The machine's folder that is the guest's root while it runs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The last lines on the guest's console.
    #[must_use]
    pub fn console(&self) -> String {
        let text = fs::read(self.folder.join("console.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn wait_for_boot(&mut self) -> Result<()> {
        self.wait_for(|guest| guest.read_pid().is_some_and(is_systemd))?;
        self.pid = self.read_pid().unwrap_or_default();
        // Before its manager listens the answer is empty. A unit of the machine that fails in a guest, such
        // as one for hardware, does not matter.
        self.wait_for(|guest| {
            let state = guest.command("systemctl").arg("is-system-running").output();
            state.is_ok_and(|output| matches!(output.stdout.as_slice(), b"running\n" | b"degraded\n"))
        })
    }

    fn wait_for(&mut self, holds: impl Fn(&Self) -> bool) -> Result<()> {
        let start = Instant::now();
        while !holds(self) {
            if self.supervisor.try_wait()?.is_some() || self.folder.join("off").exists() {
                bail!("the guest is off");
            }
            if start.elapsed() > PATIENCE {
                bail!("it took longer than {} s", PATIENCE.as_secs());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn read_pid(&self) -> Option<u32> {
        fs::read_to_string(self.folder.join("pid")).ok()?.trim().parse().ok()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The supervisor cleans up once its standard input is closed.
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

fn is_systemd(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "systemd")
}

fn binds(binds: &[(PathBuf, PathBuf)]) -> String {
    let lines: Vec<String> =
        binds.iter().map(|(from, to)| format!("{}\t{}\n", from.display(), to.display())).collect();
    lines.concat()
}

/// Removes the control groups of guests whose supervisor was killed. Those in use cannot be removed.
fn clear_abandoned(groups: &Path) {
    let Ok(found) = fs::read_dir(groups) else { return };
    for group in found.flatten() {
        let name = group.file_name().to_string_lossy().into_owned();
        let owner =
            name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')).map(|(pid, _)| pid.to_owned());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let mut find = Command::new("find");
            find.arg(group.path()).args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
            let _ = find.stdin(Stdio::null()).output();
        }
    }
}

/// Runs a command to completion, and returns its standard output.
///
/// # Errors
/// If it cannot be started or does not exit with 0. The error includes its messages.
pub fn output(command: &mut Command) -> Result<String> {
    let output =
        command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        let mut told = io::Cursor::new(vec![]);
        let _ = told.write_all(&output.stdout).and_then(|()| told.write_all(&output.stderr));
        bail!(
            "`{}` ended with {}: {}",
            words.join(" "),
            output.status,
            String::from_utf8_lossy(told.get_ref()).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
