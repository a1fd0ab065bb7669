//! `backstay-server`: the server for browsers and agents.

#![recursion_limit = "256"]

mod cli;
mod github_options;
mod lifecycle;
mod listen;
mod log;
mod master_key;
mod people;
mod public_url;
mod routes;
mod secret_file;
mod serve;
mod server_lock;
mod sso_options;
mod trusted_proxies;

use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,sqlx=warn".into()),
        )
        .with_writer(|| log::OneLineEach)
        .init();
    match cli::Cli::parse().command {
        cli::Command::Serve(options) => serve::serve(*options).await,
        cli::Command::JoinToken(options) => cli::join_token(options).await,
        cli::Command::JoinTokens(options) => cli::join_tokens(options).await,
        cli::Command::RevokeJoinToken(options) => cli::revoke_join_token(options).await,
        cli::Command::AuditHead(options) => cli::audit_head(options).await,
        cli::Command::CompactDatabase(options) => cli::compact_database(options).await,
        cli::Command::SetPassword(options) => cli::set_password(options).await,
        cli::Command::People(options) => people::run(options).await,
        cli::Command::RotateMasterKey(options) => master_key::rotate(options).await,
        cli::Command::VerifyAudit(options) => cli::verify_audit(options).await,
    }
}
