//! Views of the fleet page that people saved.

use backstay_model::wire::limits::is_deceptive;

use crate::accounts::Actor;
use crate::fleet::Fleet;
use crate::store::{SAVED_VIEWS, SavedView, StoreError, VIEW_NAME_CHARS};

/// Why a view is not saved. Each text can be shown to the person.
#[derive(Debug, thiserror::Error)]
pub enum SaveViewError {
    /// The name is empty, too long, or not readable.
    #[error("A view's name has 1 to {VIEW_NAME_CHARS} characters. Nothing was saved.")]
    Name,
    /// There is no room.
    #[error("You have {SAVED_VIEWS} saved views. Nothing was saved. Remove one first.")]
    Full,
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fleet {
    /// Returns a person's saved views, by name.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn saved_views(&self, actor: &Actor) -> Result<Vec<SavedView>, StoreError> {
        self.store.saved_views(actor.name()).await
    }

    /// Saves an address of the fleet page under a name, in place of an earlier one with that name.
    ///
    /// # Errors
    /// [`SaveViewError`]; in that case nothing was saved.
    pub async fn save_view(&self, actor: &Actor, name: &str, address: &str) -> Result<(), SaveViewError> {
        let name = name.trim();
        if !(1..=VIEW_NAME_CHARS).contains(&name.chars().count()) || name.contains(is_deceptive) {
            return Err(SaveViewError::Name);
        }
        let view = SavedView { name: name.to_owned(), address: address.to_owned() };
        let saved = self.store.put_saved_view(actor.name(), &view).await?;
        if saved { Ok(()) } else { Err(SaveViewError::Full) }
    }

    /// Forgets the person's view of this name.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn forget_view(&self, actor: &Actor, name: &str) -> Result<(), StoreError> {
        self.store.delete_saved_view(actor.name(), name).await
    }
}
