//! Second factors. Like the rest of one's account, these functions exist on the server alone.

use backstay_fleet::accounts::{Actor, OwnSecondFactor};
use backstay_fleet::refusal::Refusal;
use leptos::prelude::*;

use super::{WrittenPage, local_path, refused};
use crate::ApiError;
use crate::pages::second_factor::{self, Proof};
use crate::routes::Route;
use crate::said::{self, Said};
use crate::session;

fn on_account(result: Result<Said, impl Refusal>) -> Result<(), ApiError> {
    said::lead_back(&Route::Account, result.map_err(refused))
}

/// Makes a seed for the person's device, which the account page shows.
///
/// # Errors
/// [`ApiError`]; nothing was changed.
#[server(endpoint = "begin_second_factor")]
pub async fn begin_second_factor() -> Result<(), ApiError> {
    let actor = session::permitted::<BeginSecondFactor>().await?;
    let begun = session::fleet()?.accounts().begin_second_factor(&actor).await;
    let words = "Scan the code below with your authenticator app, then enter what it shows.";
    on_account(begun.map(|()| Said::Done(words.to_owned())))
}

/// Turns the person's second factor on. The next page shows the recovery codes, once.
///
/// # Errors
/// [`ApiError`]; nothing was changed.
#[server(endpoint = "confirm_second_factor")]
pub async fn confirm_second_factor(
    /// The person's password.
    password: String,
    /// The code that the device shows.
    code: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<ConfirmSecondFactor>().await?;
    let confirmed = session::fleet()?.accounts().confirm_second_factor(&actor, &password, &code).await;
    on_account(confirmed.map(|codes| Said::RecoveryCodes(codes.join(" "))))
}

/// Removes the person's second factor.
///
/// # Errors
/// [`ApiError`]; nothing was changed.
#[server(endpoint = "remove_second_factor")]
pub async fn remove_second_factor(
    /// A code, or a recovery code.
    code: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<RemoveSecondFactor>().await?;
    let removed = session::fleet()?.accounts().remove_own_second_factor(&actor, &code).await;
    on_account(removed.map(|()| Said::Done("Your second factor is off.".to_owned())))
}

/// Removes another person's second factor. For administrators.
///
/// # Errors
/// [`ApiError`]; nothing was changed.
#[server(endpoint = "reset_second_factor")]
pub async fn reset_second_factor(
    /// The person.
    name: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<ResetSecondFactor>().await?;
    let reset = session::fleet()?.accounts().reset_second_factor(&actor, &name).await;
    let said = reset.map(|()| Said::Done(format!("{name} logs in with the password alone now.")));
    said::lead_back(&Route::People, said.map_err(refused))
}

/// Writes the page on which the person proves again who they are.
pub(super) async fn confirm_page(actor: &Actor, next: &str) -> Result<WrittenPage, ApiError> {
    let fleet = session::fleet()?;
    let factor = fleet.accounts().own_second_factor(actor).await.map_err(refused)?;
    let proof = match (fleet.accounts().sso(), factor) {
        (Some(provider), _) if actor.is_external() => Proof::Provider(provider.name()),
        (_, OwnSecondFactor::On(_)) => Proof::Code,
        _ => Proof::Password,
    };
    let html = second_factor::confirm(local_path(next), &proof, said::take()).to_html();
    Ok(WrittenPage { title: "Confirm that it is you".to_owned(), html })
}

/// Has the person prove again who they are, and leads back to the page that asked for it.
///
/// # Errors
/// [`ApiError`]; the last proof is as old as before.
#[server(endpoint = "confirm_person")]
pub async fn confirm_person(
    /// The code, or the password of a person without a second factor.
    code: String,
    /// The address to go to afterwards, one of ours.
    next: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<ConfirmPerson>().await?;
    match session::fleet()?.accounts().prove(&actor, &code).await {
        Ok(()) => {
            leptos_axum::redirect(local_path(&next));
            Ok(())
        }
        Err(error) => said::lead_back(&Route::Confirm { next: local_path(&next) }, Err(refused(error))),
    }
}
