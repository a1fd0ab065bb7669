//! Logging in and out.

use leptos::prelude::*;

use crate::ApiError;

/// Starts a session and leads to `next`.
///
/// # Errors
/// [`ApiError::Said`] with the reason, which never reveals whether there is such a person.
#[server(endpoint = "log_in")]
pub async fn log_in(
    /// The name that the audit log shows.
    name: String,
    /// The password.
    password: String,
    /// The address to go to afterwards, one of ours.
    next: String,
) -> Result<(), ApiError> {
    use crate::session;

    let fleet = session::fleet()?;
    let visitor = session::visitor();
    let admitted = fleet.accounts().log_in(&name, &password, &visitor).await.map_err(super::refused)?;
    session::set_cookie(Some(admitted.session.reveal()));
    session::set_device_cookie(&admitted.device);
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
