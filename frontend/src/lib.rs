//! The entry point of the WebAssembly: the browser calls [`hydrate`] once it has loaded.

use wasm_bindgen::prelude::wasm_bindgen;

/// Hydrates the page that the server rendered.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(backstay_app::App);
}
