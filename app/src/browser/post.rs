//! Sending a form in the background.

use leptos::prelude::*;
use server_fn::redirect::{REDIRECT_HEADER, call_redirect_hook};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FormData, HtmlFormElement, RequestInit, Response, SubmitEvent, UrlSearchParams};

use crate::ApiError;

/// The fields of a submitted form, URL-encoded, with the button that submitted it if that has a name.
pub(crate) fn fields(event: &SubmitEvent) -> Option<String> {
    let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
    let data = FormData::new_with_form(&form).ok()?;
    let submitter = event.submitter();
    let of_submitter = |name| submitter.as_ref().and_then(|button| button.get_attribute(name));
    if let Some(name) = of_submitter("name") {
        // Cannot fail for text.
        let _ = data.append_with_str(&name, &of_submitter("value").unwrap_or_default());
    }
    let fields = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
    Some(fields.to_string().into())
}

/// Posts fields to a server function that returns nothing, and follows where the answer leads.
pub(crate) async fn post(path: &str, fields: &str) -> Result<(), ApiError> {
    let (status, text) = answer(path, fields).await.map_err(|error| ApiError::Unreachable(words(&error)))?;
    match status {
        ..400 => Ok(()),
        // A proxy answers for a server that is away.
        502..=504 => Err(ApiError::Unreachable(format!("HTTP {status}"))),
        _ => Err(serde_json::from_str(&text).unwrap_or(ApiError::Outdated)),
    }
}

async fn answer(path: &str, fields: &str) -> Result<(u16, String), JsValue> {
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_body(UrlSearchParams::new_with_str(fields)?.as_ref());
    let headers = web_sys::Headers::new()?;
    headers.set("accept", "application/json")?;
    request.set_headers(&headers);
    let response = JsFuture::from(window().fetch_with_str_and_init(path, &request)).await?;
    let response: Response = response.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    let leads_on = response.ok() && response.headers().has(REDIRECT_HEADER)?;
    if let Some(place) = response.headers().get("location")?.filter(|_| leads_on) {
        call_redirect_hook(&place);
    }
    Ok((response.status(), text))
}

/// What an exception says: “Failed to fetch”.
fn words(error: &JsValue) -> String {
    let error = error.dyn_ref::<js_sys::Error>();
    error.map_or_else(String::new, |error| error.message().into())
}
