//! The start of a page, which all its parts wait for.

use leptos::prelude::*;

use crate::ApiError;
use crate::api::{Start, start_page};
use crate::live::{Live, follow};

/// The start of a page. Parts of the page wait for it in suspended views of their own: a view that is suspended is
/// rendered more than once on the server, and so must not hold what reads from the database by itself.
#[derive(Clone, Copy)]
pub(crate) struct Started {
    live: Live,
    start: Resource<Result<Start, ApiError>>,
}

impl Started {
    /// Begins to read the fleet, and follows the event stream from there.
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

    /// The state of the page, once it is known.
    pub(crate) async fn live(self) -> Result<Live, ApiError> {
        self.live.begin(self.start.await?);
        Ok(self.live)
    }

    /// What was read, once the page has started.
    pub(crate) async fn and<T>(
        self,
        read: impl IntoFuture<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        self.live().await?;
        read.await
    }
}
