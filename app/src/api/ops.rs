//! Ops: requesting, cancelling and retrying one; reading it and its output.

use backstay_model::view::{OpDetail, OpQuery, OpsPage};
use backstay_model::{OpId, OutputLine};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// Requests an op that takes no parameters: pull, switch, test or refresh. A plain form is led to the op.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence; nothing was sent.
#[server(endpoint = "request_op")]
pub async fn request_op(
    /// The host's name.
    host: String,
    /// The op's name.
    kind: String,
) -> Result<(), ApiError> {
    use crate::routes::Route;
    use crate::session;
    use backstay_model::OpKind;

    let person = session::permitted::<RequestOp>().await?;
    let name = super::host_name(&host)?;
    let action = kind.parse::<OpKind>().ok().and_then(without_parameters);
    let action = action.ok_or_else(|| ApiError::said("There is no such op. Nothing was changed."))?;
    let op = session::fleet()?.request_op(&person, name, action, None).await.map_err(super::refused)?;
    if session::is_plain_form() {
        leptos_axum::redirect(&Route::Op(op.id).path());
    }
    Ok(())
}

#[cfg(feature = "ssr")]
fn without_parameters(kind: backstay_model::OpKind) -> Option<backstay_model::OpAction> {
    use backstay_model::{OpAction, OpKind};

    match kind {
        OpKind::Pull => Some(OpAction::Pull),
        OpKind::PullSwitch => Some(OpAction::PullSwitch),
        OpKind::Switch => Some(OpAction::Switch),
        OpKind::Test => Some(OpAction::Test),
        OpKind::Refresh => Some(OpAction::Refresh),
        OpKind::Rollback => None,
    }
}

/// Cancels an op.
///
/// # Errors
/// [`ApiError`]; the op goes on.
#[server(endpoint = "cancel_op")]
pub async fn cancel_op(
    /// The op's identifier.
    id: String,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::permitted::<CancelOp>().await?;
    let id = id.parse().map_err(|_| ApiError::said("There is no such op. Nothing was changed."))?;
    session::fleet()?.cancel_op(&person, id).await.map_err(super::refused)
}

/// Retries an op that did not succeed, and leads to the new one: to `page` followed by the new op's
/// identifier.
///
/// # Errors
/// [`ApiError`] with the refusal in a sentence; nothing was sent.
#[server(endpoint = "retry_op")]
pub async fn retry_op(
    /// The op's identifier.
    id: String,
    /// The beginning of the address to go to, one of ours.
    page: String,
) -> Result<(), ApiError> {
    use crate::session;

    let person = session::permitted::<RetryOp>().await?;
    let id = id.parse().map_err(|_| ApiError::said("There is no such op. Nothing was changed."))?;
    let op = session::fleet()?.retry_op(&person, id).await.map_err(super::refused)?;
    leptos_axum::redirect(super::local_path(&format!("{page}{}", op.id)));
    Ok(())
}

/// An op with the end of its output, and its retry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpRead {
    /// The op, and its last lines.
    pub detail: OpDetail,
    /// The latest op that retries it.
    pub tried_again: Option<OpId>,
}

/// Reads an op with the end of its output, or `None` if there is no such op.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_op")]
pub async fn load_op(
    /// The op's identifier.
    id: String,
) -> Result<Option<OpRead>, ApiError> {
    use crate::session;

    session::permitted::<LoadOp>().await?;
    let Ok(id) = id.parse() else { return Ok(None) };
    let fleet = session::fleet()?;
    let Some(detail) = fleet.op_detail(id).await.map_err(session::database)? else { return Ok(None) };
    let tried_again = tried_again(&fleet, &detail.op).await?;
    Ok(Some(OpRead { detail, tried_again }))
}

/// Returns the op that retries this one. Only the host's latest ops of its kind are searched.
#[cfg(feature = "ssr")]
async fn tried_again(
    fleet: &backstay_fleet::Fleet,
    op: &backstay_model::OpView,
) -> Result<Option<OpId>, ApiError> {
    let kind = op.action.kind();
    if op.status.is_open() || !kind.may_be_retried() {
        return Ok(None);
    }
    let query = OpQuery { host: Some(op.host_name.clone()), kind: Some(kind), ..OpQuery::default() };
    let page = fleet.ops_page(&query).await.map_err(crate::session::database)?;
    Ok(page.ops.into_iter().find(|later| later.retry_of == Some(op.id)).map(|later| later.id))
}

/// Reads the chunk of an op's lines after one of them.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_output_after")]
pub async fn load_output_after(
    /// The op's identifier.
    id: String,
    /// The number of the line before the first one wanted.
    after: u64,
) -> Result<Vec<OutputLine>, ApiError> {
    use crate::session;

    session::permitted::<LoadOutputAfter>().await?;
    let Ok(id) = id.parse() else { return Ok(vec![]) };
    session::fleet()?.output_after(id, after).await.map_err(session::database)
}

/// Reads the chunk of an op's lines directly before one of them.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_output_before")]
pub async fn load_output_before(
    /// The op's identifier.
    id: String,
    /// The number of the line after the last one wanted.
    before: u64,
) -> Result<Vec<OutputLine>, ApiError> {
    use crate::session;

    session::permitted::<LoadOutputBefore>().await?;
    let Ok(id) = id.parse() else { return Ok(vec![]) };
    session::fleet()?.output_before(id, before).await.map_err(session::database)
}

/// Reads a page of the history of ops.
///
/// # Errors
/// [`ApiError`]
#[server(endpoint = "load_ops", input = server_fn::codec::Json)]
pub async fn load_ops(
    /// The filter.
    query: OpQuery,
) -> Result<OpsPage, ApiError> {
    use crate::session;

    session::permitted::<LoadOps>().await?;
    session::fleet()?.ops_page(&query).await.map_err(session::database)
}
