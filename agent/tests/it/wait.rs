//! Waiting for conditions, with a limit that only a hang reaches.

use std::future::Future;
use std::time::Duration;

/// Far longer than anything here takes, including a whole op on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_mins(4);

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    within(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Waits for `future`.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(LIMIT, future).await else { panic!("waited in vain for {what}") };
    value
}
