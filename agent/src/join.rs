//! `backstay-agent join`: writes the configuration of a host that is new to its server, and says how to go on.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use backstay_model::{Platform, SystemClock};

use crate::config::Config;
use crate::connection::probe::probe;
use crate::storage;

/// What a person knows when a host joins.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The server's address, as in <https://backstay.example.org>.
    #[arg(long)]
    server: String,
    /// A file with the join token that “Add a host” shows, or - for the standard input.
    #[arg(long)]
    token_file: PathBuf,
    /// The host's name in the fleet. Default: the host's own name, up to its first dot.
    #[arg(long)]
    name: Option<String>,
    /// The kind of system: nixos, darwin or home-manager. Default: darwin on a Mac, otherwise nixos.
    #[arg(long)]
    platform: Option<Platform>,
    /// The folder for the agent's token, its journal and test results.
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// Something else deploys this host: report, test and roll back only.
    #[arg(long)]
    observe: bool,
}

/// Checks everything first, so that an error leaves nothing behind.
pub(crate) fn run(file: &Path, options: &Options) -> Result<()> {
    if file.exists() {
        bail!("{} exists already. Nothing was changed; edit it, or move it away first.", file.display());
    }
    let folder = file.parent().context("the configuration needs a folder")?;
    let token_file = folder.join("join-token");
    let text = configuration(options, &token_file)?;
    let config = Config::parse(&text, file)?;
    let token = token(&options.token_file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime
        .block_on(probe(&config, None, &SystemClock))
        .with_context(|| format!("{} cannot be asked, and nothing was written", options.server))?;

    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    write(&token_file, token.as_bytes(), 0o600)?;
    // It holds no secret, and people look into it.
    write(file, text.as_bytes(), 0o644)?;
    println!("{}", next(options, &config, file, &token_file));
    Ok(())
}

/// The configuration, with only those keys whose defaults do not fit.
fn configuration(options: &Options, token_file: &Path) -> Result<String> {
    let mut table = toml::Table::new();
    let mut set = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            table.insert(key.to_owned(), value.into());
        }
    };
    set("server", Some(options.server.clone()));
    set("name", options.name.clone());
    set("platform", options.platform.map(|platform| platform.as_str().to_owned()));
    set("state_dir", options.state_dir.as_ref().map(|folder| folder.display().to_string()));
    set("join_token_file", Some(token_file.display().to_string()));
    if options.observe {
        table.insert("observe".to_owned(), true.into());
    }
    Ok(toml::to_string(&table)?)
}

fn token(file: &Path) -> Result<String> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("the token cannot be read from the standard input")?;
        text
    } else {
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        bail!(
            "{} holds no join token: one word, as “Add a host” shows it. Nothing was written.",
            file.display()
        );
    }
    Ok(format!("{token}\n"))
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    storage::write(path, content)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// What to do next.
fn next(options: &Options, config: &Config, file: &Path, token_file: &Path) -> String {
    let mut text = format!(
        "{} answers. Wrote {} and {}.\n\nWith Backstay's module, which has a configuration of its own, add:\n\n    \
         services.backstay-agent = {{\n      enable = true;\n      joinTokenFile = \"{}\";\n      settings.server = \"{}\";\n",
        options.server,
        file.display(),
        token_file.display(),
        token_file.display(),
        options.server,
    );
    let settings = [
        ("name", options.name.clone()),
        ("state_dir", options.state_dir.as_ref().map(|folder| folder.display().to_string())),
    ];
    for (key, value) in settings.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "      settings.{key} = \"{value}\";");
    }
    if options.observe {
        text.push_str("      settings.observe = true;\n");
    }
    let start = match config.platform {
        Platform::Nixos => "systemctl enable --now backstay-agent",
        Platform::HomeManager => "systemctl --user enable --now backstay-agent",
        Platform::Darwin => "launchctl bootstrap system /Library/LaunchDaemons/org.backstay.agent.plist",
    };
    text.push_str("    };\n\n");
    let _ = write!(
        text,
        "Without it, install the unit that ships with the agent, and start it:\n\n    {start}\n\nThen `backstay-agent doctor` says what a \
         rollback and a switch still miss. An agent that does not run as root must be able to read {}.",
        token_file.display()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            server: "https://backstay.example.org".into(),
            token_file: "-".into(),
            name: None,
            platform: Some(Platform::Nixos),
            state_dir: None,
            observe: false,
        }
    }

    #[test]
    fn the_configuration_has_what_was_given_and_no_more() {
        let token_file = Path::new("/etc/backstay/join-token");
        let text = configuration(&options(), token_file).unwrap();
        let config = Config::parse(&text, Path::new("agent.toml")).unwrap();
        assert_eq!(config.join_token_file.as_deref(), Some(token_file));
        assert_eq!(text.lines().count(), 3, "{text}");
        let more = Options { name: Some("gpc0".into()), observe: true, ..options() };
        let text = configuration(&more, token_file).unwrap();
        let config = Config::parse(&text, Path::new("agent.toml")).unwrap();
        assert_eq!((config.name.as_str(), config.observe), ("gpc0", true));
    }

    #[test]
    fn what_to_do_next_is_nix_that_says_the_same() {
        let more = Options { name: Some("gpc0".into()), observe: true, ..options() };
        let text = configuration(&more, Path::new("/t")).unwrap();
        let config = Config::parse(&text, Path::new("agent.toml")).unwrap();
        let said = next(
            &more,
            &config,
            Path::new("/etc/backstay/agent.toml"),
            Path::new("/etc/backstay/join-token"),
        );
        for part in
            ["settings.name = \"gpc0\";", "settings.observe = true;", "systemctl enable --now", "    };\n"]
        {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn a_token_is_one_word() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "  bsj_abc\n").unwrap();
        assert_eq!(token(&file).unwrap(), "bsj_abc\n");
        for text in ["", "\n", "two words"] {
            fs::write(&file, text).unwrap();
            assert!(token(&file).unwrap_err().to_string().contains("Nothing was written"), "{text}");
        }
        assert!(token(&folder.path().join("none")).is_err());
    }
}
