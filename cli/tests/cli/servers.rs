//! A real MCP server over streamable HTTP, from npm, behind the command.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::Desk;
use super::clients::installed;

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The reference server, on loopback.
struct Everything {
    child: Child,
    lines: Receiver<String>,
    port: u16,
}

impl Everything {
    fn start() -> Everything {
        let server = Path::new(&installed("CONDUIT_TEST_NODE_MODULES"))
            .join("@modelcontextprotocol/server-everything/dist/index.js");
        let loopback = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/loopback.mjs");
        let mut command = Command::new("node");
        command.arg("--import").arg(loopback).arg(server).arg("streamableHttp");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut server = Everything { child, lines, port: 0 };
        let line = server.said("listening at ");
        server.port = line.rsplit(' ').next().unwrap().parse().unwrap();
        server
    }

    /// Waits until the server says something that begins so.
    fn said(&self, start: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("the server never says `{start}`"));
            if line.starts_with(start) {
                return line;
            }
        }
    }
}

impl Drop for Everything {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_program_calls_a_real_streamable_http_server() {
    let server = Everything::start();
    let desk = Desk::new();
    let config = |allowance: &str| {
        let url = format!("http://127.0.0.1:{}/mcp", server.port);
        format!(
            "upstreams: [{{id: everything, type: streamable_http, url: '{url}'{allowance}}}]\npolicy: {{allow: ['everything.*']}}\n"
        )
    };
    desk.write("conduit.yaml", &config(""));
    let refused = desk.run(&["tools"]);
    assert_eq!(refused.status, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("`127.0.0.1` is not a global address but loopback"), "{refused:?}");

    desk.write("conduit.yaml", &config(", allow_private: true"));
    let program = "const [echo, sum, weather] = await Promise.all([
      tools.everything.echo({message: 'hello'}),
      tools.everything.getSum({a: 2, b: 40}),
      tools.everything.getStructuredContent({location: 'New York'}),
    ]);
    return {echo, sum, weather};";
    let ended = desk.exec(program, &["--json"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let result: Value = serde_json::from_str(&ended.stdout).unwrap();
    let weather = json!({"temperature": 33, "conditions": "Cloudy", "humidity": 82});
    let expected = json!({"echo": "Echo: hello", "sum": "The sum of 2 and 40 is 42.", "weather": weather});
    assert_eq!(result["value"], expected);
    let calls: Vec<_> = result["tool_calls"].as_array().unwrap().iter().map(|call| &call["tool"]).collect();
    assert_eq!(calls, ["everything.echo", "everything.get-sum", "everything.get-structured-content"]);
    // The session does not stay behind at the server.
    server.said("Received session termination request for session ");
}
