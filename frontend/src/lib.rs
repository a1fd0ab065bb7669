//! Where the page comes to life: the browser calls [`hydrate`] when WebAssembly has loaded.

use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page that the server rendered.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(backstay_app::App);
}
