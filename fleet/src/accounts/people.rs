//! Managing people, for administrators and for the server's own commands.

use backstay_model::people::Scope;
use backstay_model::{Action, Grant, InvitationId, Role};
use chrono::TimeDelta;

use super::{AccountError, Accounts, Actor, Visitor, password, require_person_name};
use crate::secret::Secret;
use crate::store::{
    Invitation, InviteError, NewInvitation, PersonChange, PersonRecord, StoreError, TokenHash,
};

/// The lifetime of an invitation.
pub const INVITATION_LIFETIME: TimeDelta = TimeDelta::days(3);

impl Accounts {
    /// Returns everybody, by name.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn people(&self, actor: &Actor) -> Result<Vec<PersonRecord>, AccountError> {
        actor.require(Action::ReadPeople)?;
        Ok(self.store.people(self.clock.now()).await?)
    }

    /// Returns the open invitations, by name.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn invitations(&self, actor: &Actor) -> Result<Vec<Invitation>, AccountError> {
        actor.require(Action::ReadPeople)?;
        Ok(self.store.invitations(self.clock.now()).await?)
    }

    /// Makes the secret of a link with which a new person chooses a password, once and within
    /// [`INVITATION_LIFETIME`]. It is never shown again. An earlier invitation of this name is void.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn invite(&self, actor: &Actor, name: &str, role: Role) -> Result<Secret, AccountError> {
        actor.require(Action::ManagePeople)?;
        require_person_name(name)?;
        self.require_password_for(role)?;
        let (now, secret) = (self.clock.now(), Secret::random());
        let invitation = Invitation {
            id: InvitationId::new(),
            name: name.to_owned(),
            role,
            invited_by: actor.name().to_owned(),
            created_at: now,
            expires_at: now + INVITATION_LIFETIME,
        };
        let entry = self.entry(actor.name(), "user.invited", format!("{name} may join as {role}."));
        let new = NewInvitation { token: secret.hash(), invitation };
        match self.store.insert_invitation(&new, &entry).await {
            Ok(()) => Ok(secret),
            Err(InviteError::NameTaken) => Err(AccountError::NameTaken(name.to_owned())),
            Err(InviteError::Store(error)) => Err(error.into()),
        }
    }

    /// Makes an invitation void.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn revoke_invitation(&self, actor: &Actor, id: InvitationId) -> Result<(), AccountError> {
        actor.require(Action::ManagePeople)?;
        let open = self.invitations(actor).await?.into_iter().find(|invitation| invitation.id == id);
        let invitation = open.ok_or(AccountError::InvitationGone)?;
        let detail = format!("The invitation of {} is void.", invitation.name);
        let entry = self.entry(actor.name(), "user.invitation-revoked", detail);
        let deleted = self.store.delete_invitation(id, &entry).await?;
        if deleted { Ok(()) } else { Err(AccountError::InvitationGone) }
    }

    /// Returns the invitation with this secret, or `None` if it is not open.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn invitation(&self, secret: &str) -> Result<Option<Invitation>, StoreError> {
        self.store.invitation(&TokenHash::of(secret), self.clock.now()).await
    }

    /// Makes the invited person with this password, and logs them in.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn accept_invitation(
        &self,
        secret: &str,
        password: &str,
        visitor: &Visitor,
    ) -> Result<(Actor, Secret), AccountError> {
        let invitation = self.invitation(secret).await?.ok_or(AccountError::InvitationGone)?;
        self.require_password_for(invitation.role)?;
        let hash = password::hash(&invitation.name, password).await?;
        let detail = format!("Invited by {}, as {}.", invitation.invited_by, invitation.role);
        let entry = self.entry(&invitation.name, "user.joined", detail);
        let accepted = self.store.accept_invitation(&TokenHash::of(secret), &hash, &entry).await?;
        let user = accepted.ok_or(AccountError::InvitationGone)?;
        let entry = self.entry(&user.name, "login", "Logged in.".to_owned());
        self.start_session(&user, visitor, None, &entry).await?.ok_or(AccountError::InvitationGone)
    }

    /// Checks that somebody with this role may log in with a password.
    fn require_password_for(&self, role: Role) -> Result<(), AccountError> {
        self.ways_in.passwords.admit(role).then_some(()).ok_or(AccountError::NoPasswords)
    }

    /// Gives a person another role. It counts at once, also on open pages.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn set_role(&self, actor: &Actor, name: &str, role: Role) -> Result<(), AccountError> {
        self.change(actor, name, PersonChange::Role(role), "user.role", format!("{name} is now {role}."))
            .await
    }

    /// Gives a person a role on some hosts, at once. It replaces the one on the same scope.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn grant(&self, actor: &Actor, name: &str, grant: Grant) -> Result<(), AccountError> {
        let detail = format!("{name} is now {} on {}.", grant.role, grant.scope);
        self.change(actor, name, PersonChange::Grant(grant), "user.granted", detail).await
    }

    /// Takes a person's role on some hosts away, at once.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn revoke_grant(&self, actor: &Actor, name: &str, scope: Scope) -> Result<(), AccountError> {
        let detail = format!("{name} has no role of their own on {scope}.");
        self.change(actor, name, PersonChange::Revoke(scope), "user.grant-revoked", detail).await
    }

    /// Ends a person's sessions; the person cannot log in until enabled again.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn disable(&self, actor: &Actor, name: &str) -> Result<(), AccountError> {
        let change = PersonChange::Disable(self.clock.now());
        self.change(actor, name, change, "user.disabled", format!("{name} can no longer log in.")).await
    }

    /// Lets a disabled person log in again.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn enable(&self, actor: &Actor, name: &str) -> Result<(), AccountError> {
        self.change(actor, name, PersonChange::Enable, "user.enabled", format!("{name} can log in again."))
            .await
    }

    /// Deletes a person and ends their sessions. The audit log keeps the name.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn delete_person(&self, actor: &Actor, name: &str) -> Result<(), AccountError> {
        self.change(actor, name, PersonChange::Delete, "user.deleted", format!("{name} was deleted.")).await
    }

    async fn change(
        &self,
        actor: &Actor,
        name: &str,
        change: PersonChange,
        action: &str,
        detail: String,
    ) -> Result<(), AccountError> {
        actor.require(Action::ManagePeople)?;
        let changed = self.store.change_person(name, change, &self.entry(actor.name(), action, detail)).await;
        changed.map_err(|error| AccountError::of_change(error, name))?;
        self.changed();
        Ok(())
    }
}
