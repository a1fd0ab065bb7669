//! The master key's option, and `backstay-server rotate-master-key`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use backstay_fleet::accounts::MasterKey;
use backstay_fleet::store::{self, postgres::is_postgres};
use clap::Args;

use crate::cli::{DatabaseOptions, open_accounts};

/// What the name of the key has after that of the database.
const BESIDE: &str = ".master-key";

/// The key that seals the seeds of second factors.
#[derive(Debug, Args)]
pub(crate) struct MasterKeyOptions {
    /// The file with the key that seals the seeds of second factors: 32 random bytes in base64. Without it, the server makes a key
    /// beside an SQLite database at its first start.
    #[arg(long, env = "BACKSTAY_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
}

impl MasterKeyOptions {
    /// Opens the key. Makes the one beside the database if it is missing.
    pub(crate) fn open(&self, database: &DatabaseOptions) -> anyhow::Result<MasterKey> {
        let Some(file) = &self.master_key_file else {
            if is_postgres(&database.database) {
                bail!(
                    "a PostgreSQL database has no folder for the master key; make one (head --bytes=32 /dev/urandom | base64 >FILE) and \
                     name it in --master-key-file"
                );
            }
            let mut beside = store::file(&database.database)?.into_os_string();
            beside.push(BESIDE);
            return Ok(MasterKey::open_or_make(beside)?);
        };
        MasterKey::open(file).context("--master-key-file")
    }
}

/// How to replace the master key.
#[derive(Debug, Args)]
pub(crate) struct RotateOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    key: MasterKeyOptions,
}

/// Replaces the master key. A crash at any point leaves every seed readable; running it again finishes.
pub(crate) async fn rotate(options: RotateOptions) -> anyhow::Result<()> {
    let key = options.key.open(&options.database)?;
    key.add()?;
    let accounts = open_accounts(&options.database).await?.with_master_key(Some(key.clone()));
    let count = accounts.reseal_seeds().await?;
    key.drop_others()?;
    println!("The master key is new. It seals the seeds of {count} second factors.");
    Ok(())
}
