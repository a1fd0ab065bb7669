//! The rollback of one host.

#![expect(clippy::too_many_arguments, reason = "each is a field of a form")]

use backstay_model::GenerationRef;
use backstay_model::rollback::RollbackPlan;
#[cfg(feature = "ssr")]
use backstay_model::rollback::Specialisation;
use backstay_model::wire::limits::STORE_PATH_BYTES;
#[cfg(feature = "ssr")]
use backstay_model::wire::limits::VERSION_BYTES;
use leptos::prelude::*;

use crate::ApiError;

/// Reads the plan for a host's rollback dialog, or `None` if there is no such host or it has not reported
/// yet.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_plan")]
pub async fn load_plan(
    /// The host's name.
    name: String,
) -> Result<Option<RollbackPlan>, ApiError> {
    use crate::session;

    session::permitted::<LoadPlan>().await?;
    let Ok(name) = super::host_name(&name) else { return Ok(None) };
    session::fleet()?.rollback_plan(name).await.map_err(session::database)
}

/// Requests a rollback to exactly `target`, from exactly `seen`, both as [`reference_to_text`] writes them,
/// and leads to `back`, or a plain form to the op.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence; nothing was changed.
#[server(endpoint = "request_rollback")]
pub async fn request_rollback(
    /// The host's name.
    host: String,
    /// The generation to go to.
    target: String,
    /// The current generation that the person saw.
    seen: String,
    /// What to activate of the target, `keep`, `none` or `use NAME`; missing to keep what is active.
    #[server(default)]
    specialisation: Option<String>,
    /// The reason in the person's words; may be empty.
    reason: String,
    /// If the host's tests hold the host: stop them, instead of refusing because the host is busy.
    #[server(default)]
    stop_tests: bool,
    /// How long the rollback waits for an offline host, in minutes; the server's own limit if missing.
    #[server(default)]
    give_up_after: Option<u32>,
    /// The address to go to afterwards, one of ours.
    back: String,
) -> Result<(), ApiError> {
    use crate::routes::Route;
    use crate::session;
    use backstay_fleet::ops::request::RequestedRollback;

    let person = session::permitted::<RequestRollback>().await?;
    let name = super::host_name(&host)?;
    let chosen = |text: &str| {
        reference_from_text(text)
            .ok_or_else(|| ApiError::said("No generation was chosen. Nothing was changed. Choose one."))
    };
    let request = RequestedRollback {
        target: chosen(&target)?,
        seen_current: chosen(&seen)?,
        specialisation: specialisation_from_text(specialisation.as_deref().unwrap_or("keep"))
            .ok_or_else(|| ApiError::said("This is no specialisation. Nothing was changed. Choose one."))?,
        reason: Some(reason),
        stop_tests,
        give_up_after: give_up_after.map(|minutes| std::time::Duration::from_secs(u64::from(minutes) * 60)),
    };
    let op = session::fleet()?.request_rollback(&person, name, request).await.map_err(super::refused)?;
    super::lead_on(&back, &Route::Op(op.id).path());
    Ok(())
}

/// Writes a generation as one form field: its number and the store path that the person saw under it.
pub fn reference_to_text(reference: &GenerationRef) -> String {
    format!("{} {}", reference.number, reference.store_path)
}

/// Parses what [`reference_to_text`] wrote.
pub fn reference_from_text(text: &str) -> Option<GenerationRef> {
    let (number, path) = text.split_once(' ')?;
    let fits = path.starts_with('/') && path.len() <= STORE_PATH_BYTES && !path.contains(char::is_control);
    let number = number.parse().ok().filter(|_| fits)?;
    Some(GenerationRef { number, store_path: path.to_owned() })
}

/// Parses what a rollback is to activate of its target: `keep`, `none`, or `use NAME`.
#[cfg(feature = "ssr")]
fn specialisation_from_text(text: &str) -> Option<Specialisation> {
    match text {
        "keep" => Some(Specialisation::Keep),
        "none" => Some(Specialisation::None),
        _ => {
            let name = text.strip_prefix("use ").filter(|name| name.len() <= VERSION_BYTES)?;
            Some(Specialisation::Named(name.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specialisation_may_have_any_name() {
        let named = |name: &str| Some(Specialisation::Named(name.to_owned()));
        assert_eq!(specialisation_from_text("keep"), Some(Specialisation::Keep));
        assert_eq!(specialisation_from_text("none"), Some(Specialisation::None));
        assert_eq!(specialisation_from_text("use keep"), named("keep"));
        assert_eq!(specialisation_from_text("use two words"), named("two words"));
        for bad in ["", "gaming", "use", &format!("use {}", "a".repeat(300))] {
            assert_eq!(specialisation_from_text(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_reference_survives_the_form() {
        let reference = GenerationRef { number: 47, store_path: "/nix/store/x-nixos-system-gpc0".into() };
        assert_eq!(reference_from_text(&reference_to_text(&reference)), Some(reference));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let long = format!("1 /{}", "a".repeat(600));
        for bad in ["", "47", "47 ", "x /nix/store/a", "-1 /nix/store/a", "47 nix/store", "4 /a\nb", &long] {
            assert_eq!(reference_from_text(bad), None, "{bad:?}");
        }
    }
}
