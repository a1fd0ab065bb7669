//! Saved views of the fleet page. Their forms are plain ones: these functions exist on the server alone.

use backstay_fleet::store::SavedView;
use leptos::prelude::*;
use server_fn::ServerFn;

use super::{local_path, refused};
use crate::ApiError;
use crate::routes::Route;
use crate::session;

/// Writes the list of a person's saved views, each with the button that removes it.
pub(super) fn list(views: &[SavedView]) -> AnyView {
    if views.is_empty() {
        return view! { <p class="faint">"Set a filter, an order or groups, and save them under a name."</p> }
            .into_any();
    }
    let row = |view: &SavedView| {
        let label = format!("Remove the view {}", view.name);
        view! {
            <li>
                <a class="item" href=view.address.clone()>{view.name.clone()}</a>
                <form method="post" action=ForgetView::PATH>
                    <input type="hidden" name="name" value=view.name.clone()/>
                    <button type="submit" class="quiet small" aria-label=label>"✕"</button>
                </form>
            </li>
        }
    };
    view! { <ul aria-label="Saved views">{views.iter().map(row).collect_view()}</ul> }.into_any()
}

/// Saves a view of the fleet page for the person, and leads to it.
///
/// # Errors
/// [`ApiError`]; nothing was saved.
#[server(endpoint = "save_view")]
pub async fn save_view(
    /// Its name.
    name: String,
    /// The address of the page.
    view: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<SaveView>().await?;
    // Only what the fleet page itself reads, so that a link never leads elsewhere.
    let address = local_path(&view);
    let address = if address.starts_with("/?") { address } else { "/" };
    session::fleet()?.save_view(&actor, &name, address).await.map_err(refused)?;
    leptos_axum::redirect(address);
    Ok(())
}

/// Forgets one of the person's saved views, and leads to the fleet page.
///
/// # Errors
/// [`ApiError`]; it is still there.
#[server(endpoint = "forget_view")]
pub async fn forget_view(
    /// Its name.
    name: String,
) -> Result<(), ApiError> {
    let actor = session::permitted::<ForgetView>().await?;
    session::fleet()?.forget_view(&actor, &name).await.map_err(session::database)?;
    leptos_axum::redirect(&Route::Fleet.path());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::SAVE_VIEW;

    #[test]
    fn the_form_of_the_page_posts_to_this_function() {
        assert_eq!(SaveView::PATH, SAVE_VIEW);
    }
}
