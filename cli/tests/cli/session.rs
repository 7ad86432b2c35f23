//! A client that writes raw lines to `conduit serve --stdio` and reads raw lines.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::{Desk, PATIENCE};

pub struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    reader: Option<JoinHandle<()>>,
    next_id: u64,
}

/// What the server left behind.
#[derive(Debug, PartialEq)]
pub struct Closed {
    pub status: Option<i32>,
    pub stderr: String,
    /// Lines that nobody had read.
    pub unread: Vec<Value>,
}

impl Session {
    /// A server that has not been spoken to.
    pub fn silent(desk: &Desk, flags: &[&str]) -> Session {
        let mut child = desk.start(&[&["serve", "--stdio"], flags].concat());
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        let reader = std::thread::spawn(move || {
            // The end of either end: of the server, or of who wants its lines.
            let _ = stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line));
        });
        Session { stdin: child.stdin.take(), child, lines, reader: Some(reader), next_id: 0 }
    }

    /// A server with a session of the revision that most clients speak.
    pub fn open(desk: &Desk, flags: &[&str]) -> Session {
        let mut session = Session::silent(desk, flags);
        let reply = session.request("initialize", initialize("2025-11-25"));
        assert_eq!(reply["result"]["protocolVersion"], "2025-11-25", "{reply}");
        session.notify("notifications/initialized", json!({}));
        session
    }

    pub fn write(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).and_then(|()| stdin.write_all(b"\n")).and_then(|()| stdin.flush()).unwrap();
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string());
    }

    /// Sends a request, and gives its id.
    pub fn send(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        self.write(&json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}).to_string());
        self.next_id
    }

    /// Asks the server to call one of its tools, and gives the request's id.
    pub fn send_call(&mut self, tool: &str, arguments: Value) -> u64 {
        self.send("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// The next message.
    pub fn receive(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("the server answers");
        message(&line)
    }

    /// Sends a request and waits for its answer, which must be the next message.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        let reply = self.receive();
        assert_eq!(reply["id"], id, "{reply}");
        reply
    }

    /// Calls one of the server's tools: its result.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let reply = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        assert!(reply["error"].is_null(), "{reply}");
        reply["result"].clone()
    }

    /// Runs a program: its result's structured content.
    pub fn execute(&mut self, code: &str) -> Value {
        self.call("execute_typescript", json!({"code": code}))["structuredContent"].clone()
    }

    /// Closes the client's end of the server's output.
    pub fn listen_no_more(&mut self) {
        self.lines = channel().1;
        // One more line, so that its reader sees that nobody wants it.
        self.send("ping", json!({}));
        self.reader.take().unwrap().join().unwrap();
    }

    pub fn process(&self) -> &Child {
        &self.child
    }

    /// Ends the server's input, and waits for its end.
    pub fn close(mut self) -> Closed {
        self.stdin = None;
        self.ended()
    }

    /// Waits for the server's end.
    pub fn ended(mut self) -> Closed {
        let mut unread = Vec::new();
        // The channel closes with the server's standard output.
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            unread.push(message(&line));
        }
        let (sender, stderr) = channel();
        let mut pipe = self.child.stderr.take().unwrap();
        std::thread::spawn(move || {
            let mut said = String::new();
            pipe.read_to_string(&mut said).unwrap();
            sender.send(said)
        });
        let stderr = stderr.recv_timeout(PATIENCE).expect("the server ends");
        Closed { status: self.child.wait().unwrap().code(), stderr, unread }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whatever the server writes is one JSON-RPC message a line.
fn message(line: &str) -> Value {
    let message: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!(message["jsonrpc"], "2.0", "{line}");
    message
}

pub fn initialize(version: &str) -> Value {
    json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
}
