//! A cache of GitHub's answers.
//!
//! A request carries the tag of the last answer. If GitHub answers that nothing changed, the request does not count against the
//! rate limit, and the answer comes from this cache. What commits alone identify never changes and is requested once.
//! <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::client::Fresh;
use super::error::GitHubError;
use super::repository::GitHub;

/// Cached answers by path.
#[derive(Default)]
pub(crate) struct Memo {
    answers: HashMap<String, Answer>,
    reading: u64,
}

struct Answer {
    value: Arc<dyn Any + Send + Sync>,
    etag: Option<String>,
    /// The last reading that needed it.
    needed: u64,
}

impl Memo {
    /// Ends a successful reading, and drops the answers that it did not need.
    pub(crate) fn end_reading(&mut self) {
        let reading = self.reading;
        self.answers.retain(|_, answer| answer.needed == reading);
        self.reading += 1;
    }

    /// Returns the cached answer of this type, and marks it as needed.
    pub(super) fn recall<T: Send + Sync + 'static>(
        &mut self,
        path: &str,
    ) -> Option<(Arc<T>, Option<String>)> {
        let answer = self.answers.get_mut(path)?;
        answer.needed = self.reading;
        Some((Arc::clone(&answer.value).downcast().ok()?, answer.etag.clone()))
    }

    pub(super) fn keep<T: Send + Sync + 'static>(
        &mut self,
        path: &str,
        value: T,
        etag: Option<String>,
    ) -> Arc<T> {
        let value = Arc::new(value);
        let answer = Answer { value: Arc::clone(&value) as Arc<_>, etag, needed: self.reading };
        self.answers.insert(path.to_owned(), answer);
        value
    }
}

impl GitHub {
    /// Reads something that may have changed since.
    pub(super) async fn ask_again<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        memo: &mut Memo,
        what: &str,
        path: &str,
    ) -> Result<Arc<T>, GitHubError> {
        let known = memo.recall::<T>(path);
        let etag = known.as_ref().and_then(|(_, etag)| etag.as_deref());
        match (self.client().if_changed(what, path, etag).await?, known) {
            (Fresh::Same, Some((value, _))) => Ok(value),
            (Fresh::New { value, etag }, _) => Ok(memo.keep(path, value, etag)),
            (Fresh::Same, None) => {
                Err(GitHubError::Unexpected("“not modified”, although nothing was cached".to_owned()))
            }
        }
    }

    /// Reads something that never changes.
    pub(super) async fn ask_once<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        memo: &mut Memo,
        what: &str,
        path: &str,
    ) -> Result<Arc<T>, GitHubError> {
        if let Some((value, _)) = memo.recall::<T>(path) {
            return Ok(value);
        }
        let value = self.client().get(what, path).await?;
        Ok(memo.keep(path, value, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reading_did_not_need_is_forgotten() {
        let mut memo = Memo::default();
        memo.keep("a", 1_u8, Some("tag".to_owned()));
        memo.keep("b", 2_u8, None);
        memo.end_reading();
        assert_eq!(memo.recall::<u8>("a").map(|(value, etag)| (*value, etag)), Some((1, Some("tag".into()))));
        memo.end_reading();
        assert!(memo.recall::<u8>("b").is_none());
        assert!(memo.recall::<u8>("a").is_some());
    }

    #[test]
    fn an_answer_of_another_kind_is_none() {
        let mut memo = Memo::default();
        memo.keep("a", 1_u8, None);
        assert!(memo.recall::<String>("a").is_none());
    }
}
