//! `check-runs`: what ran on a commit.

use http::Uri;

use crate::shape;
use crate::state::State;
use crate::web::{Answered, Page, ok};
use crate::world::World;

pub(super) fn runs(world: &World, state: &State, sha: &str, page: Page, uri: &Uri) -> Answered {
    let all = state.checks.get(sha).cloned().unwrap_or_default();
    let total = all.len();
    let (checks, has_more) = page.of(all);
    let body = shape::check_runs(&world.links, sha, total, &checks);
    Ok(page.link(ok(&body)?, &world.links.root, uri, has_more))
}
