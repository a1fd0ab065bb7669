//! Sessions: how long they last, and who notices their end.

use std::time::Duration;

use backstay_model::{Person, Role, SessionId};
use chrono::{DateTime, TimeDelta, Utc};

use super::{AccountError, Accounts, Actor, LogInError, Visitor};
use crate::secret::Secret;
use crate::store::{NewAuditEntry, NewSession, SessionRecord, StoreError, TokenHash, UserRecord};

/// How often the use of a session is recorded, at most.
const RECORDED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Since its last use. An open page that only listens does not use it.
    pub idle: TimeDelta,
    /// Since the log-in.
    pub whole: TimeDelta,
}

/// Who proves again who they are, before what weighs most ([`Rule::proof`](backstay_model::people::Rule::proof)), and how long after
/// the last proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepUp {
    /// Nobody.
    Never,
    /// People with a second factor. Somebody with four machines at home notices nothing until they want more.
    SecondFactor(TimeDelta),
    /// Everybody: those without a second factor with the password.
    Everybody(TimeDelta),
}

impl StepUp {
    fn is_due(self, session: &SessionRecord, now: DateTime<Utc>) -> bool {
        let after = match self {
            Self::SecondFactor(after) if session.has_second_factor => after,
            Self::Everybody(after) => after,
            Self::Never | Self::SecondFactor(_) => return false,
        };
        session.proved_at + after <= now
    }
}

/// How long sessions last, by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Of administrators.
    pub admins: SessionLimits,
    /// Of everybody else.
    pub others: SessionLimits,
    /// Who proves again who they are.
    pub step_up: StepUp,
}

impl Default for SessionPolicy {
    /// A person on call need not log in at night; an administrator logs in about once a day.
    fn default() -> Self {
        Self {
            admins: SessionLimits { idle: TimeDelta::days(1), whole: TimeDelta::days(7) },
            others: SessionLimits { idle: TimeDelta::days(7), whole: TimeDelta::days(30) },
            step_up: StepUp::SecondFactor(TimeDelta::minutes(10)),
        }
    }
}

impl SessionPolicy {
    /// Returns when a session ends that is not used again.
    pub(super) fn end(
        &self,
        role: Role,
        created_at: DateTime<Utc>,
        last_seen: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let limits = if role == Role::Admin { self.admins } else { self.others };
        (created_at + limits.whole).min(last_seen + limits.idle)
    }
}

/// A change that an open page must notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// The person has other roles.
    Changed(Person),
    /// The session is over.
    Ended,
}

impl Accounts {
    /// Starts a session. Returns `None` if the person is disabled or has another password by now.
    pub(super) async fn start_session(
        &self,
        user: &UserRecord,
        visitor: &Visitor,
        provider_session: Option<String>,
        entry: &NewAuditEntry,
    ) -> Result<Option<(Actor, Secret)>, AccountError> {
        let (now, secret) = (self.clock.now(), Secret::random());
        let session = NewSession {
            token: secret.hash(),
            id: SessionId::new(),
            user: user.name.clone(),
            password_hash: user.password_hash.clone(),
            provider_session,
            client: visitor.client.clone(),
            replaces: visitor.token.as_deref().map(TokenHash::of),
            created_at: now,
            expires_at: self.policy.end(user.role, now, now),
        };
        if !self.store.insert_session(&session, entry).await? {
            return Ok(None);
        }
        self.changed();
        Ok(self.look_up(secret.reveal()).await?.map(|session| (self.actor(session), secret)))
    }

    /// Returns the person of this session token, or `None` if it is unknown or has expired, and records that
    /// the session was used.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn session(&self, token: &str) -> Result<Option<Actor>, StoreError> {
        let Some(session) = self.look_up(token).await? else { return Ok(None) };
        let now = self.clock.now();
        if now - session.last_seen >= RECORDED_EVERY {
            let end = self.policy.end(session.person.role, session.created_at, now);
            // Even a full disk must not keep a person from seeing the fleet.
            if let Err(error) = self.store.touch_session(session.id, now, end).await {
                tracing::warn!(%error, "the use of a session could not be recorded");
            }
        }
        Ok(Some(self.actor(session)))
    }

    /// Like [`Self::session`], for what happens on an open page without its person: this is no use of it.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn peek(&self, token: &str) -> Result<Option<Actor>, StoreError> {
        Ok(self.look_up(token).await?.map(|session| self.actor(session)))
    }

    fn actor(&self, session: SessionRecord) -> Actor {
        let needs_proof = self.policy.step_up.is_due(&session, self.clock.now());
        Actor::new(session, needs_proof, self.refused_acts.clone())
    }

    /// Has a logged-in person prove again who they are: with a code, or with the password if there is no second factor.
    ///
    /// # Errors
    /// [`LogInError`]
    pub async fn prove(&self, actor: &Actor, secret: &str) -> Result<(), LogInError> {
        if self.takes_code(actor.name()).await.map_err(AccountError::from)? {
            self.check_own_code(actor, secret).await?;
        } else {
            self.verify_own(actor, secret).await?;
        }
        if let Some(session) = actor.session() {
            self.store.prove_session(session, self.clock.now()).await.map_err(AccountError::from)?;
        }
        Ok(())
    }

    pub(super) async fn look_up(&self, token: &str) -> Result<Option<SessionRecord>, StoreError> {
        let now = self.clock.now();
        let session = self.store.session(&TokenHash::of(token), now).await?;
        // The role, the policy and the ways in may be others than when the session began.
        let may_log_in = |s: &SessionRecord| self.ways_in.admit(s.person.role, s.is_external);
        let lasts = |s: &SessionRecord| self.policy.end(s.person.role, s.created_at, s.last_seen) > now;
        Ok(session.filter(|s| may_log_in(s) && lasts(s)))
    }

    /// Waits until a session ends, or its person has other roles than these. At this interval it looks even
    /// without a change in this process: the server's own command may change people. A failed look-up is
    /// retried.
    pub async fn next_session_event(&self, token: &str, person: &Person, every: Duration) -> SessionEvent {
        let mut changes = self.changes.subscribe();
        loop {
            match self.peek(token).await {
                Ok(None) => return SessionEvent::Ended,
                Ok(Some(actor)) if actor.person() != person => {
                    return SessionEvent::Changed(actor.person().clone());
                }
                _ => {}
            }
            // Never fails: `self` holds the sender.
            let _ = tokio::time::timeout(every, changes.changed()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_it_is_idle_or_old_and_sooner_for_administrators() {
        let policy = SessionPolicy::default();
        let start = DateTime::UNIX_EPOCH;
        let day = TimeDelta::days(1);
        for (role, last_seen, end) in [
            (Role::Admin, 0, 1),
            (Role::Admin, 3, 4),
            (Role::Admin, 6, 7),
            (Role::Admin, 20, 7),
            (Role::Operator, 0, 7),
            (Role::Viewer, 20, 27),
            (Role::Viewer, 29, 30),
        ] {
            assert_eq!(
                policy.end(role, start, start + day * last_seen),
                start + day * end,
                "{role} {last_seen}"
            );
        }
    }
}
