//! Ops: asking for one, taking it back, reading it.

use backstay_protocol::view::OpDetail;
use leptos::prelude::*;

use crate::ApiError;

/// Asks for an op that takes no parameters: pull, switch, test or refresh.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence; nothing was sent then.
#[server(endpoint = "request_op")]
pub async fn request_op(
    /// The host's name.
    host: String,
    /// The op's name.
    kind: String,
) -> Result<(), ApiError> {
    use crate::session;
    use backstay_protocol::OpKind;

    let person = session::person().await?;
    let name = super::host_name(&host)?;
    let action = kind.parse::<OpKind>().ok().and_then(without_parameters);
    let action = action.ok_or_else(|| ApiError::said("There is no such op. Nothing was changed."))?;
    session::fleet()?.request_op(&person, name, action, None).await.map_err(super::refused)?;
    Ok(())
}

#[cfg(feature = "ssr")]
fn without_parameters(kind: backstay_protocol::OpKind) -> Option<backstay_protocol::OpAction> {
    use backstay_protocol::{OpAction, OpKind};

    match kind {
        OpKind::Pull => Some(OpAction::Pull),
        OpKind::Switch => Some(OpAction::Switch),
        OpKind::Test => Some(OpAction::Test),
        OpKind::Refresh => Some(OpAction::Refresh),
        OpKind::Rollback => None,
    }
}

/// Takes an op back.
///
/// # Errors
/// [`ApiError`]; the op goes on then.
#[server(endpoint = "cancel_op")]
pub async fn cancel_op(
    /// The op's identifier.
    id: String,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::person().await?;
    let id = id.parse().map_err(|_| ApiError::said("There is no such op. Nothing was changed."))?;
    session::fleet()?.cancel_op(&person, id).await.map_err(super::refused)
}

/// Reads an op with its output; none where there is no such op.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_op")]
pub async fn load_op(
    /// The op's identifier.
    id: String,
) -> Result<Option<OpDetail>, ApiError> {
    use crate::session;

    session::person().await?;
    let Ok(id) = id.parse() else { return Ok(None) };
    session::fleet()?.op_detail(id).await.map_err(session::database)
}
