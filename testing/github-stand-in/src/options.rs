//! What a stand-in is started with.

use std::path::PathBuf;
use std::sync::Arc;

use backstay_model::{Clock, SystemClock};

use crate::state::{App, Permission, Protection, Token};
use crate::webhook::Webhook;

/// How the stand-in is to be.
#[derive(Clone)]
pub struct Options {
    /// Whose repository it is.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// What it was called before, as `owner/name`: it is redirected from there.
    pub formerly: Option<String>,
    /// Its main branch.
    pub default_branch: String,
    /// Whether only those with a token see it.
    pub private: bool,
    /// Where it listens; port 0 for any free one.
    pub listen: String,
    /// What comes before every path, as `/api/v3` at a GitHub Enterprise Server; empty at github.com.
    pub base_path: String,
    /// The bare repository's folder; a temporary one where none is named.
    pub repository: Option<PathBuf>,
    /// The tokens that are let in.
    pub tokens: Vec<Token>,
    /// The GitHub App that is installed.
    pub app: Option<App>,
    /// Where events are sent.
    pub webhook: Option<Webhook>,
    /// How the main branch is protected.
    pub protection: Option<Protection>,
    /// The number of the first pull request that is opened without one of its own.
    pub first_pull_request: u64,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The token of [`Options::default`], which may write.
pub const TOKEN: &str = "ghp_ThisTokenIsOfNoUseAtGitHubItself0000";

impl Default for Options {
    fn default() -> Self {
        Self {
            owner: "example".to_owned(),
            name: "nixcfg".to_owned(),
            formerly: None,
            default_branch: "main".to_owned(),
            private: true,
            listen: "127.0.0.1:0".to_owned(),
            base_path: String::new(),
            repository: None,
            tokens: vec![Token::new(TOKEN, "backstay", Permission::Write)],
            app: None,
            webhook: None,
            protection: None,
            first_pull_request: 1,
            clock: Arc::new(SystemClock),
        }
    }
}
