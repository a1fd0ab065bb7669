//! The stand-in as a program of its own, for the demo and the browser tests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use backstay_github_stand_in::{Options, Permission, StandIn, TOKEN, Token, Webhook, remote_control};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Stands in for GitHub: one repository, its API and its webhooks, on this machine. For the demo and tests
/// only.
#[derive(Debug, Parser)]
struct Cli {
    /// Address of the API; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Address of the controls (see `remote_control`); anyone who reaches it can do anything to the stand-in.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Owner of the repository.
    #[arg(long, default_value = "example")]
    owner: String,
    /// Name of the repository.
    #[arg(long, default_value = "nixcfg")]
    name: String,
    /// Main branch.
    #[arg(long, default_value = "main")]
    branch: String,
    /// The bare repository, created if it does not exist; git clones from it. By default a temporary folder.
    #[arg(long)]
    repository: Option<PathBuf>,
    /// Prefix of every path, such as `/api/v3` at a GitHub Enterprise Server.
    #[arg(long, default_value = "")]
    base_path: String,
    /// A token that may write.
    #[arg(long, default_value = TOKEN)]
    token: String,
    /// The user of that token.
    #[arg(long, default_value = "backstay")]
    login: String,
    /// Number of the first pull request.
    #[arg(long, default_value_t = 1)]
    first_pull_request: u64,
    /// URL that events are sent to.
    #[arg(long)]
    webhook: Option<String>,
    /// File with the secret that signs events.
    #[arg(long, requires = "webhook")]
    webhook_secret_file: Option<PathBuf>,
}

impl Cli {
    fn options(self) -> anyhow::Result<Options> {
        let secret = match self.webhook_secret_file {
            Some(file) => Some(
                std::fs::read_to_string(&file)
                    .with_context(|| format!("{} cannot be read", file.display()))?
                    .trim()
                    .to_owned(),
            ),
            None => None,
        };
        Ok(Options {
            owner: self.owner,
            name: self.name,
            default_branch: self.branch,
            listen: self.listen.to_string(),
            base_path: self.base_path,
            repository: self.repository,
            tokens: vec![Token::new(self.token, self.login, Permission::Write)],
            webhook: self.webhook.map(|url| Webhook { url, secret }),
            first_pull_request: self.first_pull_request,
            ..Options::default()
        })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let cli = Cli::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    let listener =
        TcpListener::bind(cli.control).await.context("cannot listen on the address of the controls")?;
    let control = listener.local_addr()?;
    let stand_in = Arc::new(StandIn::start(cli.options()?).await?);
    println!("listening on {}", stand_in.url);
    println!("control on http://{control}");
    tokio::select! {
        served = axum::serve(listener, remote_control(stand_in.clone())) => served?,
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
