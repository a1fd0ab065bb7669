//! The gallery: every component in each of its states, with an invented fleet.
//!
//! It is for development and for visual tests: its data and its clock never change. Only the server renders
//! it, with the pages' own components, and the WebAssembly does not contain it. Release builds do not have it
//! at all.

mod sample;
mod scenes;

use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::hooks::use_params_map;
use leptos_router::path;

use crate::components::{IconSprite, Mark};
use crate::live::Live;
use crate::time::provide_still_time;

use scenes::{SCENES, Scene};

/// The document around a page of the gallery: like that of other pages, without their script.
pub fn gallery(options: &LeptosOptions, version: &str) -> impl IntoView + use<> {
    let css = format!("/{}/{}.css?v={version}", options.site_pkg_dir, options.output_name);
    crate::shell::send_policy();
    view! {
        <!DOCTYPE html>
        <html lang="en" class="gallery" data-hydrated="true">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=css/>
                <link rel="stylesheet" href="/gallery.css"/>
                <MetaTags/>
            </head>
            <body>
                <Gallery/>
            </body>
        </html>
    }
}

#[component]
fn Gallery() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|page: String| format!("{page} · Gallery · Backstay")/>
        <IconSprite/>
        <Router>
            <Routes fallback=NoScene>
                <Route path=path!("/gallery") view=Index/>
                <Route path=path!("/gallery/:scene") view=Page/>
            </Routes>
        </Router>
    }
}

/// All scenes.
#[component]
fn Index() -> impl IntoView {
    view! {
        <Title text="All"/>
        <main id="main" class="page">
            <div class="page-head"><h1><Mark/>" Gallery"</h1></div>
            <p class="gallery-about">"Every component of the pages in each of its states, with an invented fleet."</p>
            <Contents/>
        </main>
    }
}

#[component]
fn Contents(#[prop(optional)] here: Option<&'static str>) -> impl IntoView {
    let links = SCENES.iter().map(|scene| {
        let current = (here == Some(scene.name)).then_some("page");
        view! { <li><a href=format!("/gallery/{}", scene.name) aria-current=current>{scene.title}</a></li> }
    });
    view! { <nav class="gallery-contents" aria-label="Scenes"><ul>{links.collect_view()}</ul></nav> }
}

/// One scene, with a page state of its own.
#[component]
fn Page() -> impl IntoView {
    let name = use_params_map().with_untracked(|params| params.get("scene").unwrap_or_default());
    let Some(scene) = SCENES.iter().find(|scene| scene.name == name) else {
        return view! { <NoScene/> }.into_any();
    };
    let Scene { name, title, about, .. } = *scene;
    let live = Live::new();
    provide_context(live);
    provide_still_time(sample::now());
    view! {
        <Title text=title/>
        <Contents here=name/>
        <main id="main" class="page" data-scene=name>
            <div class="page-head"><h1>{title}</h1></div>
            <p class="gallery-about">{about}</p>
            {(scene.view)(live)}
        </main>
    }
    .into_any()
}

#[component]
fn NoScene() -> impl IntoView {
    crate::session::not_found();
    view! {
        <Title text="Not found"/>
        <main id="main" class="page"><h1>"Not found"</h1><p><a href="/gallery">"Back to the gallery"</a></p></main>
    }
}
