//! What a form shows while somebody writes in it.

use leptos::prelude::*;
use server_fn::ServerFn;

use crate::ApiError;

/// What a form shows: what is known, until a person writes in it; then what was written stays until it is saved, whatever
/// others save meanwhile. Cheap to copy.
#[derive(Debug)]
pub(crate) struct Draft<T> {
    /// What the page puts into the fields.
    pub(crate) shown: RwSignal<T>,
    is_edited: RwSignal<bool>,
    /// Whether something else was saved since somebody began to write.
    is_overtaken: RwSignal<bool>,
}

impl<T> Clone for Draft<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Draft<T> {}

impl<T: Clone + PartialEq + Send + Sync + 'static> Draft<T> {
    /// A draft of what is known, which `action` saves.
    pub(crate) fn of<S>(known: Memo<T>, action: ServerAction<S>) -> Self
    where
        S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
        S::Output: Send + Sync + Clone + 'static,
    {
        let draft = Self {
            shown: RwSignal::new(known.get_untracked()),
            is_edited: RwSignal::new(false),
            is_overtaken: RwSignal::new(false),
        };
        Effect::new(move |before: Option<T>| {
            let now = known.get();
            if !draft.is_edited.get_untracked() {
                draft.shown.set(now.clone());
            } else if before.is_some_and(|before| before != now) && !action.pending().get_untracked() {
                draft.is_overtaken.set(true);
            }
            now
        });
        Effect::new(move |_| {
            if matches!(action.value().get(), Some(Ok(_))) {
                draft.is_edited.set(false);
                draft.is_overtaken.set(false);
                draft.shown.set(known.get_untracked());
            }
        });
        draft
    }

    /// Somebody writes.
    pub(crate) fn edit(self) {
        self.is_edited.set(true);
    }
}

/// Says that others have saved something else since somebody began to write.
#[component]
pub(crate) fn EditConflict<T: Send + Sync + 'static>(draft: Draft<T>) -> impl IntoView {
    let Draft { is_overtaken, .. } = draft;
    move || {
        is_overtaken.get().then(|| {
            view! {
                <p class="banner warn" role="alert">
                    "Someone else changed this while you were editing. Saving overwrites their change."
                </p>
            }
        })
    }
}
