//! What this machine allows: a clock for each process, and a disk that can be filled.
//!
//! Clocks are set with libfaketime (<https://github.com/wolfcw/libfaketime>), which reads the offset from a
//! file at each request for the time. Disks are small tmpfs mounts: this program restarts itself in its own
//! user and mount namespace, which needs no rights if the kernel allows such namespaces.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::schedule::{Means, Place};

/// The folders in which Debian and others put the library.
const LIBRARIES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/faketime",
    "/usr/lib/aarch64-linux-gnu/faketime",
    "/usr/lib/faketime",
    "/usr/lib64/faketime",
];

/// The size of the disks. No agent starts with a state that others may write.
const SIZE: &str = "size=16m,mode=700";

/// What this machine offers.
pub(crate) struct Machine {
    clocks: Option<Clocks>,
    namespaces: bool,
    /// The reason that no systemd can be booted, or `None` if it can.
    no_systemd: Option<String>,
}

/// What a jumping clock needs: the library, and a process that keeps the library's shared memory. Without it
/// the first process would create that memory and remove it at its end, which would leave its children
/// without a clock.
struct Clocks {
    library: PathBuf,
    keeper: std::process::Child,
}

impl Clocks {
    fn look() -> Option<Self> {
        let library = LIBRARIES.iter().map(|folder| Path::new(folder).join("libfaketimeMT.so.1"));
        let library = library.into_iter().find(|library| library.exists())?;
        let keeper = std::process::Command::new("sleep")
            .arg("infinity")
            .env("LD_PRELOAD", &library)
            .env("FAKETIME", "+0")
            .stdin(Stdio::null())
            .spawn()
            .ok()?;
        let clocks = Self { library, keeper };
        let made = || clocks.shared_files().iter().all(|file| file.exists());
        for _ in 0..500 {
            if made() {
                return Some(clocks);
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        None
    }

    /// The folder in which Linux shows semaphores and shared memory.
    fn shared_files(&self) -> [PathBuf; 2] {
        let id = self.keeper.id();
        [format!("/dev/shm/sem.faketime_sem_{id}"), format!("/dev/shm/faketime_shm_{id}")].map(PathBuf::from)
    }

    /// The library's settings for it.
    fn shared(&self) -> String {
        let id = self.keeper.id();
        format!("/faketime_sem_{id} /faketime_shm_{id}")
    }
}

impl Drop for Clocks {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        for file in self.shared_files() {
            let _ = fs::remove_file(file);
        }
    }
}

/// Set if this program runs in its own namespace, to the kind of namespace.
const INSIDE: &str = "BACKSTAY_CHAOS_NAMESPACE";
/// Creates a namespace in which disks can be mounted. Root keeps its rights, and can boot a systemd.
const AS_ROOT: (&str, &[&str]) = ("root", &["--mount", "--propagation", "private"]);
/// The same for other users.
const AS_USER: (&str, &[&str]) = ("user", &["--user", "--map-root-user", "--mount"]);

/// Restarts this program in a namespace in which it may mount, if possible. Does not return in that case.
pub(crate) fn enter_namespace() -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    if std::env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    let can_mount = |namespace: &[&str]| {
        let mut tried = std::process::Command::new("unshare");
        tried.args(namespace).args(["mount", "-t", "tmpfs", "none", "/tmp"]).stderr(Stdio::null());
        tried.status().is_ok_and(|status| status.success())
    };
    let kinds = if rustix::process::geteuid().is_root() { vec![AS_ROOT, AS_USER] } else { vec![AS_USER] };
    let Some((kind, namespace)) = kinds.into_iter().find(|(_, namespace)| can_mount(namespace)) else {
        return Ok(());
    };
    let program = std::env::current_exe()?;
    let mut again = std::process::Command::new("unshare");
    again.args(namespace).arg("--").arg(program).args(std::env::args_os().skip(1)).env(INSIDE, kind);
    Err(again.exec().into())
}

impl Machine {
    pub(crate) fn look() -> Self {
        let inside = std::env::var(INSIDE).ok();
        let no_systemd = match inside.as_deref() {
            Some("root") => backstay_guest::lacking(),
            _ => Some("it takes root".to_owned()),
        };
        Self { clocks: Clocks::look(), namespaces: inside.is_some(), no_systemd }
    }

    /// Whether a systemd can be booted for a world.
    pub(crate) fn has_systemd(&self) -> bool {
        self.no_systemd.is_none()
    }

    /// The faults that are possible in a world.
    pub(crate) fn means(&self, place: Place) -> Means {
        let (clocks, systemd) = (self.clocks.is_some(), place == Place::Systemd);
        // A guest does not see what all processes with a clock of their own share.
        Means { server_clock: clocks, agent_clock: clocks && !systemd, disks: self.namespaces, systemd }
    }

    /// What this machine leaves out, and why.
    pub(crate) fn left_out(&self) -> Vec<String> {
        let mut left_out = vec![];
        if self.clocks.is_none() {
            left_out.push("clocks do not jump: libfaketime is not installed".to_owned());
        }
        if !self.namespaces {
            left_out.push("disks do not fill: this system allows no private mounts".to_owned());
        }
        if let Some(why) = &self.no_systemd {
            left_out.push(format!("no host is under systemd: {why}"));
        }
        left_out
    }

    /// The variables that give a process this clock.
    pub(crate) fn clock_variables(&self, clock: &FakeClock) -> Vec<(String, String)> {
        let Some(clocks) = &self.clocks else { return vec![] };
        let text = |path: &Path| path.display().to_string();
        [
            ("LD_PRELOAD", text(&clocks.library)),
            ("FAKETIME_SHARED", clocks.shared()),
            ("FAKETIME_TIMESTAMP_FILE", text(&clock.file)),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_DONT_RESET", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// A clock that jumps.
#[derive(Debug, Clone)]
pub(crate) struct FakeClock {
    file: PathBuf,
}

impl FakeClock {
    pub(crate) fn new(file: PathBuf) -> Result<Self> {
        let clock = Self { file };
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets its offset from the machine's clock, in seconds.
    pub(crate) fn set(&self, seconds: i64) -> Result<()> {
        // Renamed into place, so that no process reads half of it.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n"))?;
        Ok(fs::rename(&new, &self.file)?)
    }
}

/// A small disk that can be filled.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Mounts one on a folder while this program's namespace lives.
    pub(crate) async fn mount(folder: PathBuf) -> Result<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", SIZE, "none"])
            .arg(&folder)
            .stdin(Stdio::null())
            .status()
            .await
            .context("there is no mount")?;
        if !mounted.success() {
            bail!("no disk can be mounted on {}", folder.display());
        }
        Ok(Self { folder })
    }

    /// Fills it to the last byte.
    pub(crate) fn fill(&self) -> Result<()> {
        let mut ballast = fs::File::create(self.ballast())?;
        for size in [1 << 20, 1 << 12, 1] {
            let chunk = vec![b'x'; size];
            while ballast.write_all(&chunk).is_ok() {}
        }
        Ok(())
    }

    /// Frees it again.
    pub(crate) fn free(&self) -> Result<()> {
        match fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}
