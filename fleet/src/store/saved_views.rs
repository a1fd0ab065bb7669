//! Views of the fleet page that people saved.

use async_trait::async_trait;

use super::StoreError;

/// Upper bound on the saved views of a person.
pub const SAVED_VIEWS: u32 = 20;
/// Upper bound on the name of a view, in characters.
pub const VIEW_NAME_CHARS: usize = 40;

/// A filter, an order and groups of the fleet page, under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Its name, unique for the person: at most [`VIEW_NAME_CHARS`].
    pub name: String,
    /// The address of the page that shows it, such as `/?q=status:failed`.
    pub address: String,
}

/// The saved views of each person.
#[async_trait]
pub trait SavedViewStore: Send + Sync + 'static {
    /// Returns a person's views, by name.
    async fn saved_views(&self, user: &str) -> Result<Vec<SavedView>, StoreError>;
    /// Saves a view, in place of one with its name. Returns false, and writes nothing, if the person has
    /// [`SAVED_VIEWS`] others.
    async fn put_saved_view(&self, user: &str, view: &SavedView) -> Result<bool, StoreError>;
    /// Forgets the view of this name.
    async fn delete_saved_view(&self, user: &str, name: &str) -> Result<(), StoreError>;
}
