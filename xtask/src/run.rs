//! Runs commands, and logs or returns their output.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
pub(crate) use backstay_nix_host::{read, shown};

/// A file with the output of every command of one installation.
pub(crate) struct Log {
    path: PathBuf,
}

impl Log {
    /// Starts an empty log.
    pub(crate) fn start(folder: &Path, name: &str) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{name}.log"));
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path })
    }

    /// Runs a command with its output in this log; an error contains the last lines.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        let mut file = File::options().append(true).open(&self.path)?;
        writeln!(file, "$ {}", shown(command))?;
        let status = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .status()
            .with_context(|| format!("cannot run {}", command.get_program().display()))?;
        if !status.success() {
            bail!("`{}` ended with {status}\n{}", shown(command), self.tail());
        }
        Ok(())
    }

    fn tail(&self) -> String {
        format!("{}The whole output is in {}", last_lines(&self.path), self.path.display())
    }
}

/// Returns the last lines of a log, set off from the text around them.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].iter().flat_map(|line| ["    | ", line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_the_last_lines_and_where_the_rest_is() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::start(folder.path(), "try").unwrap();
        let error = log.run(Command::new("sh").args(["-c", "seq 1 50; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("| 50\n"), "{error}");
        assert!(!error.contains("| 30\n"), "{error}");
        assert!(error.contains("try.log"), "{error}");
    }

    #[test]
    fn reads_output_and_reports_what_was_said() {
        assert_eq!(read(Command::new("echo").arg("hello")).unwrap(), "hello\n");
        let error = read(Command::new("sh").args(["-c", "echo no luck >&2; exit 1"])).unwrap_err();
        assert!(error.to_string().contains("no luck"));
    }
}
