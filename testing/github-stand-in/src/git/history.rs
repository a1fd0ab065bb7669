//! How commits relate.

use super::{Git, GitError};

impl Git {
    /// Returns whether `ancestor` is `descendant` or in its history.
    pub(crate) async fn contains(&self, descendant: &str, ancestor: &str) -> Result<bool, GitError> {
        self.is(&["merge-base", "--is-ancestor", ancestor, descendant]).await
    }

    /// Returns the newest common ancestor.
    pub(crate) async fn merge_base(&self, one: &str, other: &str) -> Result<Option<String>, GitError> {
        let said = self.run(&["merge-base", one, other], b"", &[]).await?;
        Ok((said.code == Some(0)).then(|| said.text()))
    }

    /// Returns a page of a history, newest first, and whether there is more.
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

    /// Returns the commits that `head` has and `base` lacks, oldest first.
    pub(crate) async fn between(&self, base: &str, head: &str) -> Result<Vec<String>, GitError> {
        let range = format!("{base}..{head}");
        let listed = self.text(&["rev-list", "--reverse", "--topo-order", &range, "--"]).await?;
        Ok(listed.lines().map(str::to_owned).collect())
    }
}
