//! Backstay's pages: what a person sees, on the server and in the browser alike.
//!
//! The server renders every page whole, with links and forms that work without script. Once WebAssembly has
//! loaded, the same components hydrate the page and follow the event stream, so that nobody ever reloads. By
//! folder:
//!
//! * [`pages`] has what is shown at each address, [`components`] the parts of pages, and `routes` the addresses;
//! * [`api`] has the server functions: what a page reads and what a person does;
//! * [`ansi`] parses terminal output, and `log` holds an op's output;
//! * `fleet` decides which hosts are shown and in which order;
//! * [`live`] keeps an open page up to date: the event stream and the store that it feeds.

#![allow(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#![allow(unreachable_pub, reason = "the component macro makes every component's properties public")]

#[cfg(not(erase_components))]
compile_error!(
    "Backstay's server and page are compiled with `--cfg erase_components`, which .cargo/config.toml sets. RUSTFLAGS in \
     the environment replaces that setting: unset it, or add the flag to it."
);

pub mod ansi;
pub mod api;
mod app;
mod browser;
pub mod components;
mod error;
mod escape;
mod fleet;
pub mod live;
mod log;
mod navigation;
pub mod pages;
mod routes;
#[cfg(feature = "ssr")]
mod said;
#[cfg(feature = "ssr")]
pub mod session;
mod shell;
#[cfg(feature = "ssr")]
pub mod sso;
mod time;

pub use app::App;
pub use error::ApiError;
#[cfg(all(debug_assertions, feature = "ssr"))]
pub use pages::gallery;
#[cfg(feature = "ssr")]
pub use pages::invitation::{OpenInvitation, invitation};
pub use shell::shell;
