//! The command line. Every option of the service also has an environment variable.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use backstay_fleet::Retention;
use backstay_fleet::accounts::{Accounts, Actor, SessionLimits, SessionPolicy, StepUp};
use backstay_fleet::store::{self, AUDIT_BATCH, AuditCheck, AuditMark, Store};
use backstay_model::wire::limits::is_host_name;
use backstay_model::{Role, SystemClock};
use chrono::TimeDelta;
use clap::{Args, Parser, Subcommand};

use crate::github_options::GitHubOptions;
use crate::master_key::{MasterKeyOptions, RotateOptions};
use crate::people::PeopleOptions;
use crate::secret_file;
use crate::sso_options::SsoOptions;
use crate::trusted_proxies::Network;

/// Dashboard for fleets of NixOS, nix-darwin and home-manager hosts.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve browsers and agents until stopped.
    Serve(Box<ServeOptions>),
    /// Create a join token for one host, and print it.
    JoinToken(JoinTokenOptions),
    /// List the join tokens that no host has used yet.
    JoinTokens(DatabaseOptions),
    /// Revoke a join token that no host has used yet.
    RevokeJoinToken(RevokeJoinTokenOptions),
    /// Set a person's password, from a file or standard input. Creates the person if there is none of that name.
    SetPassword(SetPasswordOptions),
    /// List, invite, change and delete people.
    People(PeopleOptions),
    /// Replace the key that seals the seeds of second factors.
    RotateMasterKey(RotateOptions),
    /// Check that the audit log was not changed.
    VerifyAudit(VerifyAuditOptions),
    /// Give the free space in the database back to the file system. Stop the server first: it cannot write until this ends. Takes as
    /// much more space as the database itself in the meantime.
    CompactDatabase(DatabaseOptions),
    /// Print the mark of the newest entry of the audit log, for somebody else to keep: `verify-audit --after MARK` shows later
    /// whether an entry before it was changed.
    AuditHead(DatabaseOptions),
}

/// The database.
#[derive(Debug, Args)]
pub(crate) struct DatabaseOptions {
    /// The database: `sqlite://FILE`, or `postgres://HOST/NAME`. The password of a PostgreSQL database is in the file that the
    /// variable `PGPASSFILE` names.
    #[arg(long, env = "BACKSTAY_DATABASE", default_value = "sqlite://backstay.sqlite3")]
    pub(crate) database: String,
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) database: DatabaseOptions,
    /// The address to listen on. Port 0 picks a free port.
    #[arg(long, env = "BACKSTAY_LISTEN", default_value = "127.0.0.1:7340")]
    pub(crate) listen: SocketAddr,
    /// The folder with the page's compiled files, from `cargo xtask build`.
    #[arg(long, env = "BACKSTAY_SITE_ROOT", default_value = "target/site")]
    pub(crate) site_root: PathBuf,
    /// The address that browsers use, if it differs from the one listened on, such as `https://backstay.example.org`. With
    /// https, browsers send cookies over https only.
    #[arg(long, env = "BACKSTAY_PUBLIC_URL", value_parser = crate::public_url::parse)]
    pub(crate) public_url: Option<String>,
    /// A proxy in front of the server, as an address or a network such as `10.0.0.0/8`; separate several by commas. Only from
    /// these does the server believe whom a request comes from, by which scheme and for which host: `X-Forwarded-For` (or
    /// `Forwarded`), `X-Forwarded-Proto` and `X-Forwarded-Host`. Without it, from nobody.
    #[arg(long, env = "BACKSTAY_TRUSTED_PROXY", value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) trusted_proxy: Vec<Network>,
    /// The configuration repository, as an address for git, at any forge. Without it and without `--github-repository`, the lights
    /// Git and Lock stay unknown.
    #[arg(long, env = "BACKSTAY_REPOSITORY")]
    pub(crate) repository: Option<String>,
    /// The branch that hosts follow.
    #[arg(long, env = "BACKSTAY_BRANCH", default_value = "main")]
    pub(crate) branch: String,
    /// The folder for the server's copy of the branch's head.
    #[arg(long, env = "BACKSTAY_REPOSITORY_FOLDER", default_value = "backstay-repository.git")]
    pub(crate) repository_folder: PathBuf,
    #[command(flatten)]
    pub(crate) github: GitHubOptions,
    /// Seconds between two readings of the branch and of the pull requests.
    #[arg(long, env = "BACKSTAY_POLL_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) poll_seconds: u64,
    /// Seconds that an op waits for a host that is not connected.
    #[arg(long, env = "BACKSTAY_QUEUE_SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub(crate) queue_seconds: u64,
    #[command(flatten)]
    pub(crate) retention: RetentionOptions,
    #[command(flatten)]
    pub(crate) sessions: SessionOptions,
    #[command(flatten)]
    pub(crate) sso: SsoOptions,
    #[command(flatten)]
    pub(crate) master_key: MasterKeyOptions,
    /// The name of the first administrator.
    #[arg(long, env = "BACKSTAY_ADMIN_USER", default_value = "admin")]
    pub(crate) admin_user: String,
    /// The file with the first administrator's password. Without it, the server prints a random password once. Ignored after the
    /// first start.
    #[arg(long, env = "BACKSTAY_ADMIN_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) admin_password_file: Option<PathBuf>,
}

/// How long what grows is kept.
#[derive(Debug, Args)]
pub(crate) struct RetentionOptions {
    /// Days that the output of an op is kept after its end, never longer than the op; 0 for ever.
    #[arg(long, env = "BACKSTAY_KEEP_OUTPUT_DAYS", value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(..=36_500))]
    keep_output_days: u32,
    /// Days that ops, test runs, roll-outs, deployments and removed hosts are kept; 0 for ever. The newest ops and test runs of each
    /// host, and whatever is not over, are kept longer.
    #[arg(long, env = "BACKSTAY_KEEP_HISTORY_DAYS", value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(..=36_500))]
    keep_history_days: u32,
}

impl RetentionOptions {
    pub(crate) fn policy(&self) -> Retention {
        let age = |days: u32| (days > 0).then(|| TimeDelta::days(days.into()));
        Retention { output: age(self.keep_output_days), history: age(self.keep_history_days) }
    }
}

/// How long sessions last.
#[derive(Debug, Args)]
pub(crate) struct SessionOptions {
    /// Minutes after which merging, reverting, rolling several hosts back, removing a host, and changing people or join tokens take
    /// the code or the password again; 0 for never. Without it, 10 for people with a second factor and never for others.
    #[arg(long, env = "BACKSTAY_STEP_UP_AFTER", value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(..=10_080))]
    step_up_after: Option<u32>,
    /// Hours after which an unused session ends. An open page that only listens does not use it.
    #[arg(long, env = "BACKSTAY_SESSION_IDLE_HOURS", default_value_t = 168, value_parser = clap::value_parser!(u32).range(1..=8_760))]
    session_idle_hours: u32,
    /// Hours after which a session ends in any case.
    #[arg(long, env = "BACKSTAY_SESSION_HOURS", default_value_t = 720, value_parser = clap::value_parser!(u32).range(1..=8_760))]
    session_hours: u32,
    /// Hours after which an administrator's unused session ends.
    #[arg(long, env = "BACKSTAY_ADMIN_SESSION_IDLE_HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8_760))]
    admin_session_idle_hours: u32,
    /// Hours after which an administrator's session ends in any case.
    #[arg(long, env = "BACKSTAY_ADMIN_SESSION_HOURS", default_value_t = 168, value_parser = clap::value_parser!(u32).range(1..=8_760))]
    admin_session_hours: u32,
}

impl SessionOptions {
    pub(crate) fn policy(&self) -> SessionPolicy {
        let limits = |idle: u32, whole: u32| SessionLimits {
            idle: TimeDelta::hours(idle.into()),
            whole: TimeDelta::hours(whole.into()),
        };
        SessionPolicy {
            admins: limits(self.admin_session_idle_hours, self.admin_session_hours),
            others: limits(self.session_idle_hours, self.session_hours),
            step_up: match self.step_up_after {
                None => SessionPolicy::default().step_up,
                Some(0) => StepUp::Never,
                Some(minutes) => StepUp::Everybody(TimeDelta::minutes(minutes.into())),
            },
        }
    }
}

/// The join token to create.
#[derive(Debug, Args)]
pub(crate) struct JoinTokenOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    /// The only host name that may join with it.
    #[arg(long)]
    name: Option<String>,
    /// Hours until it expires.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=720))]
    hours: u16,
}

/// The join token to revoke.
#[derive(Debug, Args)]
pub(crate) struct RevokeJoinTokenOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    /// Its id, as `join-tokens` lists it.
    id: String,
}

/// What to verify of the audit log.
#[derive(Debug, Args)]
pub(crate) struct VerifyAuditOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    /// The mark that an earlier verification printed. Only the entries after it are verified, and that the log
    /// still has the mark's own entry.
    #[arg(long, value_name = "MARK")]
    after: Option<AuditMark>,
}

/// The password to set.
#[derive(Debug, Args)]
pub(crate) struct SetPasswordOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    /// The person's name.
    name: String,
    /// The person's role. By default, a person who exists keeps the role, and a new one is an operator.
    #[arg(long)]
    role: Option<Role>,
    /// The file with the new password; `-` reads it from standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    password_file: PathBuf,
}

/// Number of entries between two lines about the progress of a verification.
const VERIFICATION_PROGRESS: u64 = 100_000;

/// Opens the database, and migrates it if needed.
pub(crate) async fn open_store(options: &DatabaseOptions) -> anyhow::Result<Arc<dyn Store>> {
    let url = &options.database;
    store::open(url).await.with_context(|| format!("the database {url} cannot be opened"))
}

/// Opens the server's database for one of the other commands. A missing file stays missing: a new one would not be the server's.
pub(crate) async fn open_existing(options: &DatabaseOptions) -> anyhow::Result<Arc<dyn Store>> {
    if let Some(file) = store::file(&options.database).ok().filter(|file| !file.exists()) {
        bail!(
            "there is no database {}, so nothing was done; name the server's with --database or BACKSTAY_DATABASE",
            file.display()
        );
    }
    open_store(options).await
}

/// Opens the people of the server's database for one of the other commands.
pub(crate) async fn open_accounts(options: &DatabaseOptions) -> anyhow::Result<Accounts> {
    Ok(Accounts::new(open_existing(options).await?, Arc::new(SystemClock)))
}

/// Prints a new join token, alone on a line, for use in scripts.
pub(crate) async fn join_token(options: JoinTokenOptions) -> anyhow::Result<()> {
    if let Some(name) = options.name.as_deref().filter(|name| !is_host_name(name)) {
        bail!("“{name}” cannot name a host: letters, digits and hyphens, at most 63; no token was made");
    }
    let accounts = open_accounts(&options.database).await?;
    let token = accounts.new_join_token(options.name, TimeDelta::hours(options.hours.into())).await?;
    println!("{}", token.reveal());
    Ok(())
}

/// Lists the unused join tokens, one on each line.
pub(crate) async fn join_tokens(options: DatabaseOptions) -> anyhow::Result<()> {
    let tokens = open_accounts(&options).await?.join_tokens().await?;
    if tokens.is_empty() {
        eprintln!("There are no unused join tokens.");
    }
    for token in tokens {
        let whom = token.host_name.as_deref().unwrap_or("any host");
        let [made, until] = [token.created_at, token.expires_at].map(|at| at.format("%Y-%m-%d %H:%M UTC"));
        println!("{}  for {whom}, made {made}, valid until {until}", token.id);
    }
    Ok(())
}

/// Revokes an unused join token.
pub(crate) async fn revoke_join_token(options: RevokeJoinTokenOptions) -> anyhow::Result<()> {
    let id = &options.id;
    if !open_accounts(&options.database).await?.revoke_join_token(id).await? {
        bail!("there is no unused join token {id}; `backstay-server join-tokens` lists them");
    }
    println!("Join token {id} is revoked.");
    Ok(())
}

/// Gives the free space in the database back.
pub(crate) async fn compact_database(options: DatabaseOptions) -> anyhow::Result<()> {
    let store = open_existing(&options).await?;
    let before = store.disk_use().await?.total;
    store.compact().await.with_context(|| format!("{} was not compacted", options.database))?;
    let after = store.disk_use().await?.total;
    println!("The database has {after} bytes. It had {before}.");
    Ok(())
}

/// Prints the mark of the newest audit entry, alone on a line. Writes nothing, and does not create a missing database.
pub(crate) async fn audit_head(options: DatabaseOptions) -> anyhow::Result<()> {
    let url = &options.database;
    let store =
        store::open_to_read(url).await.with_context(|| format!("the database {url} cannot be read"))?;
    let head =
        store.audit_head().await.with_context(|| format!("{url} holds no audit log that can be read"))?;
    if head.seq == 0 {
        bail!("the audit log has no entries yet");
    }
    println!("{head}");
    Ok(())
}

/// Sets a password.
pub(crate) async fn set_password(options: SetPasswordOptions) -> anyhow::Result<()> {
    let file = options.password_file.as_path();
    let reads_input = file == Path::new("-");
    if reads_input && std::io::stdin().is_terminal() {
        eprintln!(
            "Type the new password of {}, then Enter and Ctrl-D. It is shown as you type.",
            options.name
        );
    }
    let file = if reads_input { Path::new("/dev/stdin") } else { file };
    let password = secret_file::read("--password-file", file)?;
    let accounts = open_accounts(&options.database).await?;
    let role = accounts.set_password(&options.name, options.role, password.reveal()).await?;
    if accounts
        .people(&Actor::console())
        .await?
        .iter()
        .any(|p| p.name == options.name && p.disabled_at.is_some())
    {
        println!("{} has the new password and is {role}, but disabled.", options.name);
    } else {
        println!("{} can log in with the new password and is {role}.", options.name);
    }
    Ok(())
}

/// Checks whether the audit log is unchanged. Writes nothing, and does not create a missing database.
pub(crate) async fn verify_audit(options: VerifyAuditOptions) -> anyhow::Result<()> {
    let url = &options.database.database;
    let store =
        store::open_to_read(url).await.with_context(|| format!("the database {url} cannot be read"))?;
    let mut mark = options.after.unwrap_or_default();
    loop {
        let check = store.verify_audit_after(&mark, AUDIT_BATCH).await;
        match check.with_context(|| format!("{url} holds no audit log that can be read"))? {
            AuditCheck::Broken(seq) => {
                bail!("the audit log was changed: entry {seq} is not what was written")
            }
            AuditCheck::Intact { to, end: false } => {
                if to.seq % VERIFICATION_PROGRESS == 0 {
                    eprintln!("{} entries are intact; continue from here with --after {to}", to.seq);
                }
                mark = to;
            }
            AuditCheck::Intact { to, end: true } => {
                println!("The audit log is intact: {} entries.", to.seq);
                if to.seq > 0 {
                    println!(
                        "Keep this mark elsewhere; with --after it proves later that none of them was changed: {to}"
                    );
                }
                return Ok(());
            }
        }
    }
}
