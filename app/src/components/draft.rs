//! The state of a form while a person edits it.

use leptos::prelude::*;

use crate::components::FormAction;

/// The values of a form: the known ones until a person edits them; then the edits stay until they are saved,
/// whatever others save in the meantime. Cheap to copy.
#[derive(Debug)]
pub(crate) struct Draft<T> {
    /// The values in the fields.
    pub(crate) shown: RwSignal<T>,
    is_edited: RwSignal<bool>,
    /// Whether others have saved since the person started to edit.
    is_outdated: RwSignal<bool>,
}

impl<T> Clone for Draft<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Draft<T> {}

impl<T: Clone + PartialEq + Send + Sync + 'static> Draft<T> {
    /// Creates a draft of the known values, which `action` saves.
    pub(crate) fn of(known: Memo<T>, action: FormAction) -> Self {
        let draft = Self {
            shown: RwSignal::new(known.get_untracked()),
            is_edited: RwSignal::new(false),
            is_outdated: RwSignal::new(false),
        };
        Effect::new(move |before: Option<(T, usize)>| {
            let now = known.get();
            // A save that was refused in part is a change by this person.
            let saves = action.version().get_untracked();
            if !draft.is_edited.get_untracked() {
                draft.shown.set(now.clone());
            } else if before.is_some_and(|(value, before)| value != now && saves == before)
                && !action.pending().get_untracked()
            {
                draft.is_outdated.set(true);
            }
            (now, saves)
        });
        Effect::new(move |_| {
            if matches!(action.value().get(), Some(Ok(()))) {
                draft.is_edited.set(false);
                draft.is_outdated.set(false);
                draft.shown.set(known.get_untracked());
            }
        });
        draft
    }

    /// Marks the draft as edited.
    pub(crate) fn edit(self) {
        self.is_edited.set(true);
    }
}

/// Warns that others have saved since the person started to edit.
#[component]
pub(crate) fn EditConflict<T: Send + Sync + 'static>(draft: Draft<T>) -> impl IntoView {
    let Draft { is_outdated, .. } = draft;
    move || {
        is_outdated.get().then(|| {
            view! {
                <p class="banner warn" role="alert">
                    "Someone else changed this while you were editing. Saving overwrites their change."
                </p>
            }
        })
    }
}
