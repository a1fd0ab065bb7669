//! The crowd joins the bare socket that the benchmark compares the server with.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A program that ends with this value.
struct Program(Child, BufReader<ChildStdout>);

impl Program {
    fn start(path: &str, words: &[&str]) -> Self {
        let mut child =
            Command::new(path).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self(child, output)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn hosts_join_a_socket_with_nothing_behind_it() {
    let mut socket = Program::start(env!("CARGO_BIN_EXE_backstay-bare-socket"), &[]);
    let url = socket.line().strip_prefix("listening on ").unwrap().to_owned();
    let words = ["--server", &url, "--hosts", "5", "--offline-one-in", "0"];
    let mut crowd = Program::start(env!("CARGO_BIN_EXE_backstay-crowd"), &words);
    assert_eq!(crowd.line(), "ready");
}
