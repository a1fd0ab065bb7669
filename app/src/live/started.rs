//! The start of a page, for which all its parts wait.

use leptos::prelude::*;

use crate::ApiError;
use crate::api::{Start, start_page};
use crate::live::{Live, follow};

/// The start of a page. Each part waits for it in a suspended view of its own: the server renders suspended
/// views more than once, so they must not contain anything that reads from the database itself.
#[derive(Clone, Copy)]
pub(crate) struct Started {
    live: Live,
    start: Resource<Result<Start, ApiError>>,
}

impl Started {
    /// Starts to load the fleet, and follows the event stream from there.
    pub(crate) fn provide() {
        let live = Live::new();
        let start = Resource::new_blocking(|| (), |()| start_page());
        provide_context(live);
        provide_context(Self { live, start });
        Effect::new(move |_| {
            if let Some(Ok(start)) = start.get() {
                live.begin(start);
                follow(live);
            }
        });
    }

    /// The state of the page, once it is loaded.
    pub(crate) async fn live(self) -> Result<Live, ApiError> {
        self.live.begin(self.start.await?);
        Ok(self.live)
    }

    /// The result of `read`, once the page has started.
    pub(crate) async fn and<T>(
        self,
        read: impl IntoFuture<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        self.live().await?;
        read.await
    }
}
