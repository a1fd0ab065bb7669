//! Everything between the network and the endpoints.

mod answer;
mod asked;
mod body;
mod documentation;
mod door;
mod finish;
mod gate;
mod limits;
mod page;
mod serve;

pub(crate) use answer::{Answered, Problem, Refusal, created, no_content, ok};
pub use asked::Asked;
pub(crate) use asked::RequestLog;
pub(crate) use body::read_body;
pub use door::Away;
pub(crate) use door::{Caller, Door};
pub(crate) use gate::Gates;
pub use gate::{Gate, Moment, Stopped};
pub(crate) use limits::{Limits, Secondary};
pub(crate) use page::Page;
pub(crate) use serve::{OriginalUri, Uptime};
