//! Serves the empty page: `backstay-empty-page SITE_ROOT`. Prints its address.

use std::path::Path;

use anyhow::{Context as _, Result};
use axum::Router;
use backstay_empty_page::{App, shell};
use leptos::config::LeptosOptions;
use leptos_axum::{LeptosRoutes as _, generate_route_list};
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;

#[tokio::main]
async fn main() -> Result<()> {
    let site = std::env::args().nth(1).context("say the folder with the page's compiled files")?;
    let options = LeptosOptions::builder()
        .output_name("empty-page")
        .site_root(site.clone())
        .site_pkg_dir("pkg")
        .build();
    let files = ServeDir::new(Path::new(&site).join("pkg")).precompressed_br().precompressed_gzip();
    let shell = {
        let options = options.clone();
        move || shell(&options)
    };
    let app = Router::new()
        .leptos_routes(&options, generate_route_list(App), shell)
        .layer(CompressionLayer::new().gzip(true))
        .nest_service("/pkg", files)
        .with_state(options);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
