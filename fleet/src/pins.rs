//! Marks that people put on generations.

use backstay_model::{Action, GenerationPin, GenerationRef, parse_pin_note};

use crate::accounts::Actor;
use crate::fleet::Fleet;
use crate::ops::request::RequestError;

impl Fleet {
    /// Marks a generation of a host, with a note that may be empty. A second mark replaces the first.
    ///
    /// # Errors
    /// [`RequestError`] if the person may not, the note is too long, or there is no such host or generation.
    pub async fn pin_generation(
        &self,
        actor: &Actor,
        host_name: &str,
        generation: GenerationRef,
        note: &str,
    ) -> Result<(), RequestError> {
        let host = self.host_for(actor, Action::SetUpHost, host_name).await?;
        let note = parse_pin_note(note).ok_or(RequestError::NoteTooLong)?;
        let known = host.facts.as_ref().and_then(|facts| facts.generation(generation.number));
        if known.is_none_or(|known| known.store_path != generation.store_path) {
            return Err(RequestError::GenerationGone(generation));
        }
        let detail = if note.is_empty() {
            format!("{generation} is pinned.")
        } else {
            format!("{generation} is pinned: “{note}”.")
        };
        let audit = self.setting_entry(actor, &host, "generation.pinned", detail);
        let pin = GenerationPin { generation, by: actor.name().to_owned(), at: self.clock.now(), note };
        self.store.put_pin(host.id, &pin, &audit).await?;
        self.publish_host(host.id).await;
        Ok(())
    }

    /// Removes the mark of a generation. Without one, nothing happens.
    ///
    /// # Errors
    /// [`RequestError`] if the person may not, or there is no such host.
    pub async fn unpin_generation(
        &self,
        actor: &Actor,
        host_name: &str,
        generation: &GenerationRef,
    ) -> Result<(), RequestError> {
        let host = self.host_for(actor, Action::SetUpHost, host_name).await?;
        let detail = format!("{generation} is no longer pinned.");
        let audit = self.setting_entry(actor, &host, "generation.unpinned", detail);
        self.store.delete_pin(host.id, generation, &audit).await?;
        self.publish_host(host.id).await;
        Ok(())
    }
}
