//! Backstay's pages: what a person sees, on the server and in the browser alike.
//!
//! Every page is rendered whole by the server, with links and forms that work by themselves. When WebAssembly has
//! loaded, the same components take the page over and follow the event stream, so that nobody ever reloads. A reader
//! finds the way by folder:
//!
//! * [`pages`] has what is shown at each address, [`components`] what they are put together from;
//! * [`api`] has the server functions: what a page asks for and what a person does;
//! * [`ansi`] reads what programs write for a terminal, and `log` holds an op's output;
//! * `fleet` says which hosts are shown and in which order;
//! * [`live`] keeps an open page true: the event stream and the store that it feeds.

#![allow(clippy::needless_pass_by_value, reason = "a component owns what it is given")]
#![allow(unreachable_pub, reason = "the component macro makes every component's properties public")]

#[cfg(not(erase_components))]
compile_error!(
    "Backstay's server and page are compiled with `--cfg erase_components`, which .cargo/config.toml says. RUSTFLAGS in \
     the environment replaces what stands there: unset it, or add the flag to it."
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
pub mod session;
mod shell;
mod size;
mod time;

pub use app::App;
pub use error::ApiError;
#[cfg(all(debug_assertions, feature = "ssr"))]
pub use pages::gallery;
pub use shell::shell;
