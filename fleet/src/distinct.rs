//! Bounds what a request may name.

use std::collections::HashSet;
use std::hash::Hash;

/// The first `most` different items of a list that somebody sent.
pub(crate) fn distinct<T: Eq + Hash>(all: &[T], most: usize) -> impl Iterator<Item = &T> {
    let mut seen = HashSet::new();
    all.iter().filter(move |one| seen.insert(*one)).take(most)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use backstay_model::OpStatus;
    use backstay_model::view::OpQuery;

    use super::*;
    use crate::Fleet;
    use crate::test_fleet::{self, Database};

    #[test]
    fn items_come_once_in_their_order_and_not_too_many() {
        assert_eq!(distinct(&[3, 1, 3, 2, 1], 9).collect::<Vec<_>>(), [&3, &1, &2]);
        assert_eq!(distinct(&[3, 1, 3, 2, 1], 2).collect::<Vec<_>>(), [&3, &1]);
    }

    #[tokio::test]
    async fn a_filter_with_endless_statuses_is_no_error() {
        let database = Database::new();
        let store = Arc::new(database.open().await);
        let fleet = Fleet::new(test_fleet::config(store, &test_fleet::clock()));
        let query = OpQuery { statuses: vec![OpStatus::Queued; 60_000], ..OpQuery::default() };
        assert!(fleet.ops_page(&query).await.unwrap().ops.is_empty());
    }
}
