//! The components of the pages.

mod account;
mod actions;
mod add_host;
mod copyable;
mod deployment;
mod dialog;
mod dialog_end;
mod draft;
mod drawer;
mod field;
mod fleet;
#[cfg(feature = "ssr")]
mod folded;
mod form;
mod generation;
mod header;
mod host_activity;
mod host_lines;
mod icon;
mod light;
mod log;
mod log_address;
mod notices;
mod op;
mod op_actions;
mod op_list;
mod op_now;
mod palette;
mod pull_requests;
mod reason;
mod rollout;
mod selection;
mod sending;
mod shortcuts;
mod status_line;
mod tell_me;
mod when;
mod written;

pub use actions::ActionsMenu;
pub(crate) use actions::op_icon;
pub(crate) use add_host::AddHost;
pub(crate) use copyable::{CopyButton, Copyable};
pub use deployment::{DeploymentPanel, NewestDeployment};
pub(crate) use deployment::{counts as deployment_counts, decision_words, followed as followed_deployment};
pub use dialog::{Dialog, DialogTrouble};
pub(crate) use dialog_end::{DialogEnd, RoleNeeded, requires};
pub(crate) use draft::{Draft, EditConflict};
pub use drawer::LogDrawer;
pub(crate) use field::Hydrated;
pub(crate) use fleet::{
    BrokenHosts, FleetAnswer, FleetFilter, FleetTable, Listed, SAVE_VIEW, ShownHosts, Spread, ViewMenu,
    asking, dismiss_hints_on_escape, fleet_answer, names_fitting,
};
pub use fleet::{HostRow, Summary};
#[cfg(feature = "ssr")]
pub(crate) use folded::FoldedRest;
pub(crate) use form::refused_in_address;
pub use form::{ActionForm, FormAction, Refusal, action_from_address};
pub(crate) use generation::name as generation_name;
pub use generation::{GenerationName, HostTestsBadge};
pub use header::{Header, PageTitle};
pub use host_activity::HostActivity;
pub(crate) use host_lines::{FEW_LINES, host_lines};
pub use icon::{Icon, IconSprite, Mark, PlatformName};
pub use light::LightBadge;
pub(crate) use log::Log;
#[cfg(feature = "ssr")]
pub(crate) use log_address::finding;
pub use log_address::use_log_address;
pub(crate) use log_address::{FIND, LOG, use_address_without_log, with_log};
pub use notices::{Notices, NoticesLink};
pub(crate) use notices::{mark_notices_read, notice_tone};
pub(crate) use op::words as op_words;
pub use op::{OpInBrief, OpLink, OpStatusBadge, status_words};
pub use op_actions::{CancelButton, OpMessage, OpPlacement, RetryButton, RetryLinks};
pub use op_list::OpList;
pub use op_now::OpNow;
#[cfg(all(debug_assertions, feature = "ssr"))]
pub(crate) use palette::Open as OpenPalette;
pub use palette::Palette;
pub(crate) use palette::{PaletteButton, PaletteIsOpen};
pub use pull_requests::PullRequests;
pub(crate) use pull_requests::{ChangedInputs, StateBadge, changes_lock, checks, may_be_merged, mergeable};
pub(crate) use reason::{ReasonField, forget_draft, linked};
pub use rollout::NewestRollout;
pub(crate) use rollout::{
    About as RolloutAbout, Progress as RolloutProgress, RollOutLink, RolloutOf, Steps as RolloutSteps,
    followed as followed_rollout, hosts_words, title as rollout_title,
};
pub(crate) use selection::{
    BulkBar, HostScope, SelectAll, SelectGroup, SelectHost, Selecting, Selection, address_of,
    address_of_fitting,
};
#[cfg(all(debug_assertions, feature = "ssr"))]
pub(crate) use shortcuts::OpenShortcuts;
pub(crate) use shortcuts::{Shortcuts, ShortcutsButton, ShortcutsDialog};
pub(crate) use tell_me::TellMe;
pub(crate) use when::Day;
pub use when::{Ago, Elapsed, ElapsedSince, Moment, Took, Until};
pub(crate) use written::Written;
