//! The output of an op in the page: loaded lines, lines still on the server, and searches.

mod finder;
mod lines;
mod search;
mod watched;

pub(crate) use finder::{Finder, read_whole};
pub(crate) use lines::{BLOCK, Block, Line, Lines};
pub(crate) use watched::Watched;
