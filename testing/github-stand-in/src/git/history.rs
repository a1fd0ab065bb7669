//! How commits lie to each other.

use super::{Git, GitError};

impl Git {
    /// Whether `descendant` has `ancestor` in its history, or is it.
    pub(crate) async fn contains(&self, descendant: &str, ancestor: &str) -> Result<bool, GitError> {
        self.is(&["merge-base", "--is-ancestor", ancestor, descendant]).await
    }

    /// The newest commit that both have.
    pub(crate) async fn merge_base(&self, one: &str, other: &str) -> Result<Option<String>, GitError> {
        let said = self.run(&["merge-base", one, other], b"", &[]).await?;
        Ok((said.code == Some(0)).then(|| said.text()))
    }

    /// The commits of a history, newest first, and whether there are more.
    pub(crate) async fn history(
        &self,
        of: &str,
        path: Option<&str>,
        skip: usize,
        count: usize,
    ) -> Result<(Vec<String>, bool), GitError> {
        let (skip, most) = (format!("--skip={skip}"), format!("--max-count={}", count + 1));
        let mut args = vec!["rev-list", &skip, &most, of, "--"];
        args.extend(path);
        let mut shas: Vec<String> = self.text(&args).await?.lines().map(str::to_owned).collect();
        let has_more = shas.len() > count;
        shas.truncate(count);
        Ok((shas, has_more))
    }

    /// The commits that `head` has and `base` has not, oldest first.
    pub(crate) async fn between(&self, base: &str, head: &str) -> Result<Vec<String>, GitError> {
        let range = format!("{base}..{head}");
        let listed = self.text(&["rev-list", "--reverse", "--topo-order", &range, "--"]).await?;
        Ok(listed.lines().map(str::to_owned).collect())
    }
}
