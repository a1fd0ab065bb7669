//! A running stand-in.

use parking_lot::Mutex;
use std::sync::Arc;

use axum::Router;

use crate::api;
use crate::git::{Git, GitError};
use crate::options::Options;
use crate::shape::Links;
use crate::state::{MergeMethods, State};
use crate::web::{Away, Door, Limits, Uptime};
use crate::webhook::Webhooks;
use crate::world::World;

/// A failure to start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or no folder can be made.
    #[error("the stand-in for GitHub cannot start: {0}")]
    Io(#[from] std::io::Error),
    /// See [`GitError`].
    #[error("the stand-in for GitHub cannot start: {0}")]
    Git(#[from] GitError),
}

/// A GitHub with one repository. It stops when this is dropped.
pub struct StandIn {
    /// Base URL of its API.
    pub url: String,
    pub(crate) world: Arc<World>,
    router: Router,
    address: std::net::SocketAddr,
    uptime: Mutex<Option<Uptime>>,
    _dir: Option<tempfile::TempDir>,
}

impl StandIn {
    /// Starts one. Its repository is empty, unless the options name one with commits.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let dir = if options.repository.is_none() { Some(tempfile::tempdir()?) } else { None };
        let temporary = dir.as_ref().map(|dir| dir.path().join("repository.git"));
        let path = options.repository.clone().or(temporary).unwrap_or_default();
        let git = Git::init(&path, &options.default_branch).await?;
        // The address must be known before the first answer: every answer contains URLs.
        let listener = tokio::net::TcpListener::bind(&options.listen).await?;
        let address = listener.local_addr()?;
        let world = Arc::new(build(options, git, format!("http://{address}")));
        let router = api::router(world.clone());
        let uptime = Uptime::on(listener, &world, &router);
        let url = format!("{}{}", world.links.root, world.links.base_path);
        Ok(Self { url, world, router, address, uptime: Mutex::new(Some(uptime)), _dir: dir })
    }

    /// Goes offline, until [`come_back`](Self::come_back).
    pub async fn go_away(&self, how: Away) {
        self.world.door().away = Some(how);
        if how == Away::Refused {
            let uptime = self.uptime.lock().take();
            if let Some(uptime) = uptime {
                uptime.end().await;
            }
        }
    }

    /// Comes back, at the same address.
    ///
    /// # Errors
    /// [`StartError::Io`] if another program has taken the address since.
    pub fn come_back(&self) -> Result<(), StartError> {
        self.world.door().away = None;
        let mut uptime = self.uptime.lock();
        if uptime.is_none() {
            *uptime = Some(Uptime::again(self.address, &self.world, &self.router)?);
        }
        Ok(())
    }
}

fn build(options: Options, git: Git, root: String) -> World {
    let protection = options.protection.map(|protection| (options.default_branch.clone(), protection));
    let state = State {
        default_branch: options.default_branch,
        private: options.private,
        methods: MergeMethods::default(),
        pulls: std::collections::BTreeMap::new(),
        next_number: options.first_pull_request,
        protection: protection.into_iter().collect(),
        no_branches: None,
        checks: std::collections::HashMap::new(),
        statuses: std::collections::HashMap::new(),
        unknown_mergeability: 0,
    };
    let links = Links {
        root,
        base_path: options.base_path,
        owner: options.owner,
        name: options.name,
        formerly: options.formerly,
    };
    let door = Door { tokens: options.tokens, limits: Limits::default(), away: None };
    World::new(git, links, options.clock, options.app, state, door, Webhooks::new(options.webhook))
}
