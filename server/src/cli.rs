//! The command line. Every option can also be given by an environment variable, which is how a service sets them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use backstay_fleet::accounts::Accounts;
use backstay_fleet::store::{self, Store};
use backstay_model::Role;
use backstay_model::SystemClock;
use backstay_model::wire::limits::is_host_name;
use chrono::TimeDelta;
use clap::{Args, Parser, Subcommand};

use crate::github_options::GitHubOptions;

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
    /// Serve browsers and agents until told to stop.
    Serve(Box<ServeOptions>),
    /// Make a token with which one host can join, and print it.
    JoinToken(JoinTokenOptions),
    /// Set a person's password, read from the environment; makes the person where there is none of that name.
    SetPassword(SetPasswordOptions),
    /// Check that nobody has changed the audit log.
    VerifyAudit(DatabaseOptions),
}

/// Where the data is.
#[derive(Debug, Args)]
pub(crate) struct DatabaseOptions {
    /// The database, such as `sqlite://FILE`.
    #[arg(long, env = "BACKSTAY_DATABASE", default_value = "sqlite://backstay.sqlite3")]
    pub(crate) database: String,
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) database: DatabaseOptions,
    /// The address to listen on; port 0 takes any free one.
    #[arg(long, env = "BACKSTAY_LISTEN", default_value = "127.0.0.1:7340")]
    pub(crate) listen: SocketAddr,
    /// The folder with the page's compiled files, as `cargo leptos build` makes it.
    #[arg(long, env = "BACKSTAY_SITE_ROOT", default_value = "target/site")]
    pub(crate) site_root: PathBuf,
    /// The address that browsers use where it is not the one listened on, such as `https://backstay.example.org`.
    /// With https, cookies are sent over https alone.
    #[arg(long, env = "BACKSTAY_PUBLIC_URL", value_parser = crate::public_url::parse)]
    pub(crate) public_url: Option<String>,
    /// The configuration repository, as git takes it, from any forge. Without it and without `--github-repository`, nothing
    /// is said of Git and Lock.
    #[arg(long, env = "BACKSTAY_REPOSITORY")]
    pub(crate) repository: Option<String>,
    /// The branch that hosts are to follow.
    #[arg(long, env = "BACKSTAY_BRANCH", default_value = "main")]
    pub(crate) branch: String,
    /// The folder for the server's copy of the branch's head.
    #[arg(long, env = "BACKSTAY_REPOSITORY_FOLDER", default_value = "backstay-repository.git")]
    pub(crate) repository_folder: PathBuf,
    #[command(flatten)]
    pub(crate) github: GitHubOptions,
    /// How many seconds lie between two looks at the branch, and at the pull requests.
    #[arg(long, env = "BACKSTAY_POLL_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) poll_seconds: u64,
    /// For how many seconds an op waits for a host that is not connected before it is given up.
    #[arg(long, env = "BACKSTAY_QUEUE_SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub(crate) queue_seconds: u64,
    /// The name of the first administrator.
    #[arg(long, env = "BACKSTAY_ADMIN_USER", default_value = "admin")]
    pub(crate) admin_user: String,
    /// The first administrator's password; without it, one is made and printed once. Means nothing later on.
    #[arg(long, env = "BACKSTAY_ADMIN_PASSWORD", hide_env_values = true)]
    pub(crate) admin_password: Option<String>,
}

/// For whom to make a join token.
#[derive(Debug, Args)]
pub(crate) struct JoinTokenOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    /// The only name that may join with it.
    #[arg(long)]
    name: Option<String>,
    /// For how many hours it is good.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=720))]
    hours: u16,
}

/// Whose password to set.
#[derive(Debug, Args)]
pub(crate) struct SetPasswordOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    /// The person's name.
    name: String,
    /// What the person may do.
    #[arg(long, default_value = "operator")]
    role: Role,
    /// The password.
    #[arg(long, env = "BACKSTAY_PASSWORD", hide = true, hide_env_values = true)]
    password: Option<String>,
}

/// Opens the database and brings it up to date.
pub(crate) async fn open_store(options: &DatabaseOptions) -> anyhow::Result<Arc<dyn Store>> {
    let url = &options.database;
    store::open(url).await.with_context(|| format!("the database {url} cannot be opened"))
}

async fn open_accounts(options: &DatabaseOptions) -> anyhow::Result<Accounts> {
    Ok(Accounts::new(open_store(options).await?, Arc::new(SystemClock)))
}

/// Prints a new join token, alone on a line, so that a script can take it.
pub(crate) async fn join_token(options: JoinTokenOptions) -> anyhow::Result<()> {
    if let Some(name) = options.name.as_deref().filter(|name| !is_host_name(name)) {
        bail!("“{name}” cannot name a host: letters, digits and hyphens, at most 63; no token was made");
    }
    let accounts = open_accounts(&options.database).await?;
    let token = accounts.new_join_token(options.name, TimeDelta::hours(options.hours.into())).await?;
    println!("{}", token.reveal());
    Ok(())
}

/// Sets a password.
pub(crate) async fn set_password(options: SetPasswordOptions) -> anyhow::Result<()> {
    let Some(password) = options.password else {
        bail!("put the new password into the environment variable BACKSTAY_PASSWORD; nothing was changed");
    };
    let accounts = open_accounts(&options.database).await?;
    accounts.set_password(&options.name, options.role, &password).await?;
    println!("{} can log in with the new password and is {}.", options.name, options.role);
    Ok(())
}

/// Says whether the audit log is as it was written. Nothing is written: not even a database where there is none.
pub(crate) async fn verify_audit(options: DatabaseOptions) -> anyhow::Result<()> {
    let url = &options.database;
    let store =
        store::open_to_read(url).await.with_context(|| format!("the database {url} cannot be read"))?;
    let broken =
        store.verify_audit().await.with_context(|| format!("{url} holds no audit log that can be read"))?;
    match broken {
        None => println!("The audit log is intact."),
        Some(seq) => bail!("the audit log was changed: entry {seq} is not what was written"),
    }
    Ok(())
}
