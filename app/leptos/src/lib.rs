//! Leptos as Backstay's pages use it. It is Leptos itself, but for [`prelude::IntoAny`].
//!
//! A view whose type is erased carries pointers to all that can be done with it. One of these brings it to life bit by bit,
//! while parts of the program are still being loaded, and pulls as much code into the WebAssembly again as does the way that
//! is taken here, which is at once. A fifth of the page was code that never ran. The views that are erased by this crate's
//! `into_any` know only the one way; where they are asked for the other, they do the first.

pub use leptos::*;

mod whole;

/// Leptos' prelude with this crate's `into_any`.
pub mod prelude {
    pub use leptos::prelude::*;

    pub use crate::whole::IntoAny;
}
