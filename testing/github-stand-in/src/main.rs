//! The stand-in as a program of its own, for the demo and for browser tests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use backstay_github_stand_in::{Options, Permission, StandIn, TOKEN, Token, Webhook, remote_control};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Stands in for GitHub: one repository, its API and its webhooks, on this machine. For demo and tests only.
#[derive(Debug, Parser)]
struct Cli {
    /// Where the API listens; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where it is told what to do (see `remote_control`); whoever reaches this may do anything to it.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Whose repository it is.
    #[arg(long, default_value = "example")]
    owner: String,
    /// The repository's name.
    #[arg(long, default_value = "nixcfg")]
    name: String,
    /// Its main branch.
    #[arg(long, default_value = "main")]
    branch: String,
    /// The bare repository, made where it is not there; git clones from it. Without one, a temporary folder.
    #[arg(long)]
    repository: Option<PathBuf>,
    /// What comes before every path, as `/api/v3` at a GitHub Enterprise Server.
    #[arg(long, default_value = "")]
    base_path: String,
    /// The token that may write.
    #[arg(long, default_value = TOKEN)]
    token: String,
    /// Who has that token.
    #[arg(long, default_value = "backstay")]
    login: String,
    /// The number of the first pull request.
    #[arg(long, default_value_t = 1)]
    first_pull_request: u64,
    /// Where events are sent.
    #[arg(long)]
    webhook: Option<String>,
    /// A file with the secret that signs events.
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
    let listener = TcpListener::bind(cli.control).await.context("cannot listen for what it is told to do")?;
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
