//! `backstay-bare-socket`: what an agent's connection costs with nothing of Backstay behind it. It welcomes everyone who says
//! hello, and reads on. Once it listens, it prints its address.

use anyhow::Result;
use backstay_model::HostId;
use backstay_model::wire::endpoint::READ_BUFFER_BYTES;
use backstay_model::wire::message::{Message as _, ServerMessage};
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = converse(stream).await {
                eprintln!("a connection was lost: {error:#}");
            }
        });
    }
}

async fn converse(stream: TcpStream) -> Result<()> {
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    let mut is_welcome = false;
    while let Some(frame) = socket.next().await {
        if matches!(frame?, Frame::Text(_)) && !std::mem::replace(&mut is_welcome, true) {
            let welcome = ServerMessage::Welcome { server_version: "0".to_owned(), host: HostId::new() };
            socket.send(Frame::text(welcome.encode()?)).await?;
        }
    }
    Ok(())
}
