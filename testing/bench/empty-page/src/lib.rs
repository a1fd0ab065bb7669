//! An empty page: the cost of any page that Leptos renders on a server and hydrates in a browser.

#![allow(unreachable_pub, reason = "the component macro makes every component's properties public")]

use leptos::prelude::*;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    Effect::new(|_| {
        if let Some(root) = document().document_element() {
            // Fails only for an invalid name.
            let _ = root.set_attribute("data-hydrated", "true");
        }
    });
    view! {
        <Router>
            <Routes fallback=|| "Not found.">
                <Route path=path!("/") view=|| view! { <p id="first">"Nothing here."</p> }/>
            </Routes>
        </Router>
    }
}

/// The HTML document around it.
pub fn shell(options: &LeptosOptions) -> impl IntoView + use<> {
    let file = |kind: &str| format!("/{}/{}.{kind}", options.site_pkg_dir, options.output_name);
    let (css, js, wasm) = (file("css"), file("js"), file("wasm"));
    let script = format!(
        "const wasm = fetch({wasm:?}); const page = await import({js:?}); \
         await page.default({{ module_or_path: wasm }}); page.hydrate();"
    );
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title>"Empty"</title>
                <link rel="icon" href="data:,"/>
                <link rel="stylesheet" href=css/>
                <script type="module" inner_html=script></script>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Takes over the page that the server rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(App);
}
