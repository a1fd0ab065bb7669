//! Logging in and out.

use leptos::prelude::*;

use crate::ApiError;

/// Starts a session and leads to `next`. If the person has a second factor, the same page then asks for a code.
///
/// # Errors
/// [`ApiError::Said`] with the reason, which never reveals whether there is such a person.
#[server(endpoint = "log_in")]
pub async fn log_in(
    /// The name that the audit log shows.
    #[server(default)]
    name: String,
    /// The password.
    #[server(default)]
    password: String,
    /// The code, after name and password.
    #[server(default)]
    code: Option<String>,
    /// The address to go to afterwards, one of ours.
    next: String,
) -> Result<(), ApiError> {
    use crate::{routes, session};
    use backstay_fleet::accounts::LogInError;

    let (fleet, visitor) = (session::fleet()?, session::visitor());
    let accounts = fleet.accounts();
    let by_code = code.is_some();
    let admitted = match code {
        Some(code) => {
            let pending = session::PENDING_LOG_IN.of_request().unwrap_or_default();
            accounts.log_in_with_code(&pending, &code, &visitor).await
        }
        None => accounts.log_in(&name, &password, &visitor).await,
    };
    let admitted = match admitted {
        Err(LogInError::CodeNeeded(token)) => {
            session::PENDING_LOG_IN.set(Some(token.reveal()), Some(session::PENDING_SECONDS));
            leptos_axum::redirect(&routes::log_in_code(super::local_path(&next)));
            return Ok(());
        }
        admitted => admitted.map_err(super::refused)?,
    };
    session::set_cookie(Some(admitted.session.reveal()));
    session::set_device_cookie(&admitted.device);
    if by_code {
        session::PENDING_LOG_IN.set(None, None);
    }
    leptos_axum::redirect(super::local_path(&next));
    Ok(())
}

/// Ends the session and leads to the log-in page.
///
/// # Errors
/// [`ApiError`]; the session goes on.
#[server(endpoint = "log_out")]
pub async fn log_out() -> Result<(), ApiError> {
    use crate::session;

    let person = session::permitted::<LogOut>().await?;
    session::fleet()?.accounts().log_out(&person).await.map_err(session::database)?;
    session::set_cookie(None);
    session::clear_kept_pages();
    leptos_axum::redirect(&crate::routes::Route::LogIn { next: None }.path());
    Ok(())
}
