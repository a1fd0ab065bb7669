//! Options of a stand-in.

use std::path::PathBuf;
use std::sync::Arc;

use backstay_model::{Clock, SystemClock};

use crate::state::{App, Permission, Protection, Token};
use crate::webhook::Webhook;

/// Options of a stand-in.
#[derive(Clone)]
pub struct Options {
    /// Owner of the repository.
    pub owner: String,
    /// Name of the repository.
    pub name: String,
    /// Its former name, as `owner/name`, which redirects to it.
    pub formerly: Option<String>,
    /// Main branch.
    pub default_branch: String,
    /// Whether only those with a token see it.
    pub private: bool,
    /// Address to listen on; port 0 takes any free one.
    pub listen: String,
    /// Prefix of every path, such as `/api/v3` at a GitHub Enterprise Server; empty at github.com.
    pub base_path: String,
    /// Folder of the bare repository; a temporary one if `None`.
    pub repository: Option<PathBuf>,
    /// The valid tokens.
    pub tokens: Vec<Token>,
    /// The installed GitHub App.
    pub app: Option<App>,
    /// URL and secret for events.
    pub webhook: Option<Webhook>,
    /// Protection of the main branch.
    pub protection: Option<Protection>,
    /// Number of the first pull request that is opened without a number of its own.
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
