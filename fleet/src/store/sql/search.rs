//! The conditions of a search in a history.

use backstay_model::view::Search;
use sqlx::QueryBuilder;

use super::{Db, dialect};

/// How many of the newest rows a search looks at: nothing indexes their text.
const SEARCHED: u32 = 100_000;

/// Adds the conditions. `at` is the column of the time, and `text` an expression for the text; none of the three comes from a
/// person.
pub(super) fn push(query: &mut QueryBuilder<Db>, search: &Search, table: &str, at: &str, text: &str) {
    if *search == Search::default() {
        return;
    }
    query.push(" AND ").push(dialect::is_among_newest(table, SEARCHED));
    // Times are stored as text in the order of time, and begin with the day.
    if let Some(from) = &search.from {
        query.push(format!(" AND {at} >= ")).push_bind(from.clone());
    }
    if let Some(to) = &search.to {
        query.push(format!(" AND SUBSTR({at}, 1, 10) <= ")).push_bind(to.clone());
    }
    if let Some(words) = &search.text {
        // Not LIKE, for which some letters are wildcards. Like LOWER in both databases, this knows ASCII alone.
        query
            .push(format!(" AND {}(LOWER({text}), ", dialect::POSITION))
            .push_bind(words.to_ascii_lowercase())
            .push(") > 0");
    }
}
