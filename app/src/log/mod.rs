//! An op's output as the page holds it: what was read, what is still with the server, and what a search finds.

mod finder;
mod lines;
mod search;
mod watched;

pub(crate) use finder::{Finder, read_whole};
pub(crate) use lines::{BLOCK, Block, Line, Lines};
pub(crate) use watched::Watched;
