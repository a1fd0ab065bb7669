//! People, invitations, and one's own account. The pages are plain ones: these functions exist on the server
//! alone, and the pages' forms name their addresses.

use backstay_fleet::accounts::{AccountError, Actor};
use backstay_fleet::refusal::Refusal;
use backstay_fleet::sso::Sso;
use backstay_model::people::Scope;
use backstay_model::{Grant, InvitationId, Role, SessionId};
use leptos::prelude::*;

use super::{WrittenPage, refused};
use crate::ApiError;
use crate::pages::{account, people};
use crate::routes::Route;
use crate::said::{self, Said};
use crate::session;

/// Writes the page of all people.
pub(super) async fn people_page(actor: &Actor) -> Result<WrittenPage, ApiError> {
    let fleet = session::fleet()?;
    let accounts = fleet.accounts();
    let everybody = accounts.people(actor).await.map_err(refused)?;
    let invitations = accounts.invitations(actor).await.map_err(refused)?;
    let origin = session::server_address().origin;
    let html = people::people(actor.name(), &everybody, &invitations, said::take(), &origin).to_html();
    Ok(WrittenPage { title: "People".to_owned(), html })
}

/// Writes the page of the person's own account.
pub(super) async fn account_page(actor: &Actor) -> Result<WrittenPage, ApiError> {
    let fleet = session::fleet()?;
    let sessions = fleet.accounts().own_sessions(actor).await.map_err(session::database)?;
    let factor = fleet.accounts().own_second_factor(actor).await.map_err(refused)?;
    let provider = fleet.accounts().sso().map(Sso::name);
    let html = account::account(actor, &sessions, factor, provider, said::take()).to_html();
    Ok(WrittenPage { title: "Account".to_owned(), html })
}

/// Leads back to the page of all people.
fn on_people(result: Result<String, impl Refusal>) -> Result<(), ApiError> {
    said::lead_back(&Route::People, result.map(Said::Done).map_err(refused))
}

/// Leads back to the person's own page.
fn on_account(result: Result<String, impl Refusal>) -> Result<(), ApiError> {
    said::lead_back(&Route::Account, result.map(Said::Done).map_err(refused))
}

fn role(text: &str) -> Result<Role, ApiError> {
    text.parse().map_err(|_| ApiError::said("There is no such role. Nothing was changed."))
}

/// Invites a person. The next page shows the link, once. For administrators.
///
/// # Errors
/// [`ApiError`]; nobody was invited.
#[server(endpoint = "invite_person")]
pub async fn invite_person(
    /// The name of the new person.
    name: String,
    /// The role of the new person.
    role: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<InvitePerson>().await?;
    let invited = session::fleet()?.accounts().invite(&actor, name.trim(), self::role(&role)?).await;
    let said = invited.map(|secret| Said::Invited(Route::Invitation(secret.reveal()).path()));
    said::lead_back(&Route::People, said.map_err(refused))
}

/// Makes an invitation void. For administrators.
///
/// # Errors
/// [`ApiError`]; it is as it was.
#[server(endpoint = "revoke_invitation")]
pub async fn revoke_invitation(
    /// The invitation.
    id: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<RevokeInvitation>().await?;
    let revoked = match id.parse::<InvitationId>() {
        Ok(id) => session::fleet()?.accounts().revoke_invitation(&actor, id).await,
        Err(_) => Err(AccountError::InvitationGone),
    };
    on_people(revoked.map(|()| "The invitation is revoked.".to_owned()))
}

/// Gives a person another role. For administrators.
///
/// # Errors
/// [`ApiError`]; the role is as it was.
#[server(endpoint = "set_role")]
pub async fn set_role(
    /// The person.
    name: String,
    /// The role.
    role: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<SetRole>().await?;
    let role = self::role(&role)?;
    let set = session::fleet()?.accounts().set_role(&actor, &name, role).await;
    on_people(set.map(|()| format!("{name} is now {role}.")))
}

/// Gives a person a role on some hosts. For administrators.
///
/// # Errors
/// [`ApiError`]; the person is as before.
#[server(endpoint = "grant_role")]
pub async fn grant_role(
    /// The person.
    name: String,
    /// The role.
    role: String,
    /// What chooses the hosts: `tag`, `platform` or `name`.
    by: String,
    /// The tag, the platform, or the pattern of names.
    hosts: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<GrantRole>().await?;
    let granted = match format!("{role} {by}:{}", hosts.trim()).parse::<Grant>() {
        Ok(grant) => {
            let words = format!("{name} is now {} on {}.", grant.role, grant.scope);
            session::fleet()?.accounts().grant(&actor, &name, grant).await.map(|()| words)
        }
        Err(error) => Err(error.into()),
    };
    on_people(granted)
}

/// Takes a person's role on some hosts away. For administrators.
///
/// # Errors
/// [`ApiError`]; the person is as before.
#[server(endpoint = "revoke_grant")]
pub async fn revoke_grant(
    /// The person.
    name: String,
    /// The hosts, as the page writes them.
    scope: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<RevokeGrant>().await?;
    let revoked = match scope.parse::<Scope>() {
        Ok(scope) => session::fleet()?.accounts().revoke_grant(&actor, &name, scope).await,
        Err(error) => Err(error.into()),
    };
    on_people(revoked.map(|()| format!("{name} has no role of their own on {scope} any more.")))
}

/// Ends a person's sessions and locks the person out. For administrators.
///
/// # Errors
/// [`ApiError`]; the person is as before.
#[server(endpoint = "disable_person")]
pub async fn disable_person(
    /// The person.
    name: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<DisablePerson>().await?;
    let disabled = session::fleet()?.accounts().disable(&actor, &name).await;
    on_people(disabled.map(|()| format!("{name} is disabled and logged out everywhere.")))
}

/// Lets a disabled person log in again. For administrators.
///
/// # Errors
/// [`ApiError`]; the person is as before.
#[server(endpoint = "enable_person")]
pub async fn enable_person(
    /// The person.
    name: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<EnablePerson>().await?;
    let enabled = session::fleet()?.accounts().enable(&actor, &name).await;
    on_people(enabled.map(|()| format!("{name} can log in again.")))
}

/// Deletes a person. For administrators.
///
/// # Errors
/// [`ApiError`]; the person is as before.
#[server(endpoint = "delete_person")]
pub async fn delete_person(
    /// The person.
    name: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<DeletePerson>().await?;
    let deleted = session::fleet()?.accounts().delete_person(&actor, &name).await;
    on_people(deleted.map(|()| format!("{name} is deleted. The audit log keeps the name.")))
}

/// Changes the person's own password and ends their other sessions.
///
/// # Errors
/// [`ApiError`]; the password is as it was.
#[server(endpoint = "change_password")]
pub async fn change_password(
    /// The current password.
    current: String,
    /// The new password.
    password: String,
    /// The new password once more.
    again: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<ChangePassword>().await?;
    if password != again {
        return said::lead_back(&Route::Account, Err(differ()));
    }
    let changed = session::fleet()?.accounts().change_own_password(&actor, &current, &password).await;
    on_account(changed.map(|()| "Your password is changed. Your other sessions are ended.".to_owned()))
}

fn differ() -> ApiError {
    session::refuse(axum::http::StatusCode::UNPROCESSABLE_ENTITY);
    ApiError::said("The two new passwords differ. Nothing was changed.")
}

/// Ends one of the person's own sessions.
///
/// # Errors
/// [`ApiError`]; it continues.
#[server(endpoint = "end_session")]
pub async fn end_session(
    /// The session.
    id: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<EndSession>().await?;
    let ended = match id.parse::<SessionId>() {
        Ok(id) => session::fleet()?.accounts().end_own_session(&actor, id).await,
        Err(_) => Err(AccountError::SessionGone),
    };
    on_account(ended.map(|()| "The session is ended.".to_owned()))
}

/// Ends all of the person's own sessions but this one.
///
/// # Errors
/// [`ApiError`]; they continue.
#[server(endpoint = "end_other_sessions")]
pub async fn end_other_sessions() -> Result<(), ApiError> {
    let actor = session::permitted::<EndOtherSessions>().await?;
    let ended = session::fleet()?.accounts().end_other_sessions(&actor).await.map_err(AccountError::from);
    on_account(ended.map(|ended| match ended {
        0 => "You have no other sessions.".to_owned(),
        1 => "Your other session is ended.".to_owned(),
        _ => format!("Your {ended} other sessions are ended."),
    }))
}

/// Makes the invited person with this password, and logs them in.
///
/// # Errors
/// [`ApiError`]; the invitation is as it was.
#[server(endpoint = "accept_invitation")]
pub async fn accept_invitation(
    /// The secret of the link.
    invitation: String,
    /// The password.
    password: String,
    /// The password once more.
    again: String,
) -> Result<(), ApiError> {
    let back = Route::Invitation(&invitation);
    if password != again {
        return said::lead_back(&back, Err(differ()));
    }
    let fleet = session::fleet()?;
    match fleet.accounts().accept_invitation(&invitation, &password, &session::visitor()).await {
        Ok((_, secret)) => {
            session::set_cookie(Some(secret.reveal()));
            leptos_axum::redirect(&Route::Fleet.path());
            Ok(())
        }
        Err(error) => said::lead_back(&back, Err(refused(error))),
    }
}
