//! The HTML document around the application.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::App;
#[cfg(feature = "ssr")]
use crate::components::IconSprite;
#[cfg(feature = "ssr")]
use crate::escape::raw_text;

/// Restores the theme that the person chose, before the first paint.
const THEME: &str = "try{var t=localStorage.getItem('backstay.theme');if(t)document.documentElement.dataset.theme=t}catch(e){}";

/// Writes times in local time before the first paint.
const LOCAL_TIMES: &str = include_str!("local_times.js");

/// Shows failed hosts in the tab's icon.
const TAB_STATE: &str = include_str!("tab_state.js");

/// Shows desktop notifications to people who asked for them.
const TELL_ME: &str = include_str!("tell_me.js");

/// The HTML document around the application, as the server renders it. The addresses of the compiled files
/// include `version`, so that browsers may cache them.
pub fn shell(options: &LeptosOptions, version: &str) -> impl IntoView + use<> {
    let file = |kind: &str| format!("/{}/{}.{kind}?v={version}", options.site_pkg_dir, options.output_name);
    let (css, js, wasm) = (file("css"), file("js"), file("wasm"));
    send_policy();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="description" content="Backstay brings a broken host, or a broken fleet, back to a state that is known to work."/>
                <link rel="icon" id="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/icon-192.png"/>
                <link rel="manifest" href="/manifest.webmanifest"/>
                <meta name="theme-color" content="#12263a"/>
                <link rel="stylesheet" id="style" href=css/>
                // Paint only once the whole page is parsed: a table painted before its rows arrive would
                // shift its columns.
                <link rel="expect" href="#end" blocking="render"/>
                <script nonce=use_nonce() inner_html=THEME></script>
                <script nonce=use_nonce() inner_html=LOCAL_TIMES></script>
                <script nonce=use_nonce() inner_html=TAB_STATE></script>
                <script nonce=use_nonce() inner_html=TELL_ME></script>
                <HydrationScript js wasm/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// A document without WebAssembly, for a page outside of the application.
#[cfg(feature = "ssr")]
#[component]
pub(crate) fn PlainDocument(
    options: LeptosOptions,
    version: String,
    title: &'static str,
    children: Children,
) -> impl IntoView {
    let css = format!("/{}/{}.css?v={version}", options.site_pkg_dir, options.output_name);
    send_policy();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{raw_text(title.to_owned())}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=css/>
                <script nonce=use_nonce() inner_html=THEME></script>
                <script nonce=use_nonce() inner_html=LOCAL_TIMES></script>
            </head>
            <body><IconSprite/>{children()}</body>
        </html>
    }
}

/// Loads the WebAssembly that hydrates the page. Leptos' own component takes the file's name from a variable
/// that only cargo-leptos sets, and the server is built by cargo alone.
#[component]
fn HydrationScript(js: String, wasm: String) -> impl IntoView {
    // Both files are fetched in parallel, and not at all without script. The service worker shows the offline
    // page; browsers accept it only over HTTPS or from localhost.
    let script = format!(
        "const wasm = fetch({wasm:?}); const page = await import({js:?}); \
         await page.default({{ module_or_path: wasm }}); page.hydrate(); \
         navigator.serviceWorker?.register('/sw.js');"
    );
    view! { <script type="module" nonce=use_nonce() inner_html=script></script> }
}

/// Sends a policy by which only scripts with this page's nonce run, and styles, images and connections are
/// the server's.
#[cfg(feature = "ssr")]
pub(crate) fn send_policy() {
    use axum::http::{HeaderValue, header};

    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<leptos_axum::ResponseOptions>()) else {
        return;
    };
    let policy = format!(
        "default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'{}",
        // Over plain http, browsers would ask a port that does not answer for the page's files.
        if crate::session::by_https() { "; upgrade-insecure-requests" } else { "" }
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

#[cfg(not(feature = "ssr"))]
fn send_policy() {}
