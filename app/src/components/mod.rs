//! What pages are put together from.

mod actions;
mod dialog;
mod form;
mod generation;
mod header;
mod host_row;
mod icon;
mod light;
mod notices;
mod op;
mod op_list;
mod output;
mod summary;
mod tests;
mod when;

pub use actions::ActionsMenu;
pub use dialog::Dialog;
pub use form::{Refusal, action_from_address};
pub use generation::GenerationName;
pub(crate) use generation::name as generation_name;
pub use header::Header;
pub use host_row::HostRow;
pub use icon::{Icon, IconSprite, Mark, PlatformName};
pub use light::LightBadge;
pub use notices::Notices;
pub use op::{OpInBrief, OpStatusBadge, status_words};
pub use op_list::OpList;
pub use output::Output;
pub use summary::Summary;
pub use tests::TestsOf;
pub use when::{Ago, Elapsed, Moment};
