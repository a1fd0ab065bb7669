//! Bodies of requests.

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::Refusal;

/// Reads a body as GitHub does: invalid JSON is 400, JSON with something missing is 422.
pub(crate) fn read_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let body = if body.is_empty() { b"{}" } else { body };
    let value: serde_json::Value = serde_json::from_slice(body)
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "Problems parsing JSON"))?;
    if !value.is_object() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "Body should be a JSON object"));
    }
    serde_json::from_value(value).map_err(|error| {
        let said = error.to_string();
        let missing = said.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let why = missing.map_or(said.clone(), |field| format!("\"{field}\" wasn't supplied."));
        Refusal::unprocessable(format!("Invalid request.\n\n{why}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Wanted {
        #[expect(dead_code, reason = "only that it is there matters")]
        sha: String,
    }

    #[test]
    fn what_is_missing_is_named() {
        let refusal = read_body::<Wanted>(b"{}").err().expect("there is no sha");
        assert_eq!(refusal.body("")["message"], "Invalid request.\n\n\"sha\" wasn't supplied.");
        let refusal = read_body::<Wanted>(b"{").err().expect("it is not JSON");
        assert_eq!(refusal.body("")["status"], "400");
    }
}
