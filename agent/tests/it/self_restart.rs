//! A switch or rollback that restarts the agent itself, which is normal.

use std::fs;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use backstay_model::OpId;
use backstay_model::Outcome;
use backstay_model::wire::message::ServerMessage;

use crate::host::{ACTIVATE, Host};
use crate::server::Server;

/// Restarts the agent whenever it ends, like a service manager.
pub(crate) struct Supervisor {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    pub(crate) fn start(host: &Host, server: &Server) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, log, pid) = (Arc::clone(&stop), host.at("agent.log"), host.at("agent.pid"));
        let mut command = host.agent_command(&server.url, &[]);
        let thread = thread::spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                let log = fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
                let agent = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
                let agent = agent.spawn().unwrap();
                fs::write(&pid, agent.id().to_string()).unwrap();
                see_through(agent, &asked);
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

fn see_through(mut agent: Child, asked: &AtomicBool) {
    while agent.try_wait().unwrap().is_none() {
        if asked.load(Ordering::Relaxed) {
            agent.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn an_activation_ends_the_agent_with(signal: &str) {
    let host = Host::nixos();
    let switch = format!(
        "seq -f 'before %g' 300\nkill -{signal} \"$(cat \"$host/agent.pid\")\"\nseq -f 'after %g' 300\n{ACTIVATE}"
    );
    host.set(&host.build("one", &switch));
    host.set(&host.build("two", ACTIVATE));
    host.runs(2);
    let server = Server::start().await;
    let _supervisor = Supervisor::start(&host, &server);
    let mut connection = server.accept().await;
    let op = OpId::new();
    connection
        .send(&ServerMessage::Run {
            op,
            action: host.rollback(2, 1),
            timeout_secs: 120,
            test_timeout_secs: None,
        })
        .await;

    let mut connection = server.accept().await;
    assert_eq!(connection.journal, [op]);
    let heard = connection.finish(op).await;
    assert_eq!(heard.expect(Outcome::Completed), "Rolled back to Gen 1.");
    assert_eq!(host.switches(), 1);
    assert_eq!((host.current(), host.running()), (1, host.store_path(1)));
    let texts = heard.texts();
    for word in ["before", "after"] {
        let lines: Vec<_> = texts.iter().filter(|text| text.starts_with(word)).collect();
        assert!(lines.iter().zip(1..).all(|(text, n)| **text == format!("{word} {n}")), "{lines:#?}");
        assert_eq!(lines.len(), 300);
    }
}

#[tokio::test]
async fn an_activation_that_kills_the_agent() {
    an_activation_ends_the_agent_with("KILL").await;
}

#[tokio::test]
async fn an_activation_that_restarts_the_agent_as_systemctl_does() {
    an_activation_ends_the_agent_with("TERM").await;
}
