//! People who come through a provider: it says who they are, and their groups there say what they may do.

use super::log_in::Visitor;
use super::{Accounts, Actor, require_person_name};
use crate::secret::Secret;
use crate::sso::{Answer, Arrival, Begun, LogOutError, Sso, SsoError};
use crate::store::{ExternalIdentity, ExternalPerson, ProviderRoles, StoreError, UserRecord};

/// What the audit log calls refused log-ins of people whose name is not known.
const UNKNOWN: &str = "single sign-on";

/// Somebody is back from the provider.
#[derive(Debug)]
pub struct Returned {
    /// The new session's token, or `None` if the person only proved again who they are.
    pub session: Option<Secret>,
    /// Where to go now.
    pub next: String,
}

impl From<StoreError> for SsoError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Accounts {
    /// The provider, if there is one.
    pub fn sso(&self) -> Option<&Sso> {
        self.ways_in.sso.as_deref()
    }

    /// Begins a log-in at the provider. With an actor, the provider only proves again that it is that person.
    ///
    /// # Errors
    /// [`SsoError`]
    pub async fn begin_sso(&self, next: &str, proves: Option<&Actor>) -> Result<Begun, SsoError> {
        let sso = self.sso().ok_or(SsoError::Unavailable)?;
        let session = proves.and_then(Actor::session).map(|id| id.to_string());
        sso.begin(next, session).await
    }

    /// Finishes a log-in at the provider.
    ///
    /// # Errors
    /// [`SsoError`]; nobody is logged in.
    pub async fn finish_sso(&self, answer: Answer<'_>, visitor: &Visitor) -> Result<Returned, SsoError> {
        let sso = self.sso().ok_or(SsoError::Unavailable)?;
        let mut claimed = UNKNOWN.to_owned();
        let returned = match sso.finish(answer).await {
            Ok(arrival) => {
                claimed = arrival.name.clone().unwrap_or(claimed);
                self.admit_external(arrival, visitor).await
            }
            Err(error) => Err(error),
        };
        match &returned {
            Ok(_) | Err(SsoError::Unreachable | SsoError::Busy | SsoError::Failed(_)) => {}
            Err(_) => self.gate.refused.count(visitor.origin.network(), &claimed, self.clock.now()),
        }
        returned
    }

    pub(super) async fn admit_external(
        &self,
        arrival: Arrival,
        visitor: &Visitor,
    ) -> Result<Returned, SsoError> {
        let known = self.store.external_person(&arrival.identity).await?;
        if known.as_ref().is_some_and(|known| known.is_disabled) {
            return Err(SsoError::Disabled);
        }
        if let Some(session) = &arrival.proves {
            self.prove_external(session, known.as_ref(), visitor).await?;
            return Ok(Returned { session: None, next: arrival.next });
        }
        let Some(roles) = &arrival.roles else {
            self.log_out_everywhere(known).await?;
            return Err(SsoError::NoRole);
        };
        let user = match known {
            Some(known) => self.update_external(&arrival.identity, known, roles).await?,
            None => self.join_external(&arrival, roles).await?,
        };
        let words = format!("Logged in through {}.", self.sso().map_or(UNKNOWN, Sso::name));
        let entry = self.entry(&user.name, "login", words);
        let started = self.start_session(&user, visitor, arrival.provider_session, &entry).await?;
        let (_, session) = started.ok_or(SsoError::Disabled)?;
        Ok(Returned { session: Some(session), next: arrival.next })
    }

    /// Records that the person of this session has proved who they are, if it is this browser's session.
    async fn prove_external(
        &self,
        session: &str,
        known: Option<&ExternalPerson>,
        visitor: &Visitor,
    ) -> Result<(), SsoError> {
        let token = visitor.token.as_deref().ok_or(SsoError::NotProved)?;
        let current = self.look_up(token).await?.ok_or(SsoError::NotProved)?;
        let is_same = current.id.to_string() == session
            && known.is_some_and(|known| known.user.name == current.person.name);
        if !is_same {
            return Err(SsoError::NotProved);
        }
        Ok(self.store.prove_session(current.id, self.clock.now()).await?)
    }

    /// Makes the person of a new identity.
    async fn join_external(&self, arrival: &Arrival, roles: &ProviderRoles) -> Result<UserRecord, SsoError> {
        let name = arrival.name.as_deref().ok_or(SsoError::NoName)?;
        require_person_name(name).map_err(|_| SsoError::NoName)?;
        let provider = self.sso().map_or(UNKNOWN, Sso::name);
        let detail = format!("Joined through {provider} as {}.", in_words(roles));
        let entry = self.entry(name, "user.joined", detail);
        let inserted = self.store.insert_external_person(&arrival.identity, name, roles, &entry).await?;
        // Another window may have been first.
        let known = self.store.external_person(&arrival.identity).await?;
        match known {
            Some(known) if inserted || known.user.name == name => Ok(known.user),
            _ => Err(SsoError::NameTaken(name.to_owned())),
        }
    }

    /// Gives a known person the roles of their groups.
    async fn update_external(
        &self,
        identity: &ExternalIdentity,
        known: ExternalPerson,
        roles: &ProviderRoles,
    ) -> Result<UserRecord, SsoError> {
        if known.roles == *roles {
            return Ok(known.user);
        }
        let (name, provider) = (&known.user.name, self.sso().map_or(UNKNOWN, Sso::name));
        let detail = format!("{name} is now {}, by the groups at {provider}.", in_words(roles));
        let entry = self.entry(crate::ops::SERVER, "user.role", detail);
        self.store.set_external_roles(identity, roles, &entry).await?;
        self.changed();
        Ok(UserRecord { role: roles.role, ..known.user })
    }

    /// Ends the sessions of a known person who is in no group any more.
    async fn log_out_everywhere(&self, known: Option<ExternalPerson>) -> Result<(), SsoError> {
        let Some(known) = known else { return Ok(()) };
        let name = known.user.name;
        let detail = format!("{name} is in no group with a role any more. Their sessions were ended.");
        let entry = self.entry(crate::ops::SERVER, "login.ended", detail);
        self.store.end_other_sessions(&name, None, &entry).await?;
        self.changed();
        Ok(())
    }

    /// Ends the sessions of somebody who has logged out at the provider, as a token of the provider says.
    ///
    /// # Errors
    /// [`EndError`]; the sessions go on.
    pub async fn end_by_provider(&self, token: &str) -> Result<u64, EndError> {
        let sso = self.sso().ok_or(EndError::Unavailable)?;
        let out = sso.logged_out(token).await?;
        let session = out.provider_session.as_deref();
        let ended = self.store.end_external_sessions(&out.identity, session, self.clock.now()).await?;
        self.changed();
        Ok(ended)
    }
}

/// Why a log-out at the provider ends no session.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// This server knows no provider.
    #[error("this server has no single sign-on")]
    Unavailable,
    /// See [`LogOutError`].
    #[error(transparent)]
    Token(#[from] LogOutError),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn in_words(roles: &ProviderRoles) -> String {
    let grants = roles.grants.iter().map(|grant| format!("{} on {}", grant.role, grant.scope));
    std::iter::once(roles.role.to_string()).chain(grants).collect::<Vec<_>>().join(", ")
}
