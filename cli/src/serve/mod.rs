//! `conduit serve`: a standard MCP server, so that any MCP client can run programs.
//!
//! Owns the protocol towards clients and its errors. Every request runs by itself; nothing but MCP goes to standard
//! output. The client's cancellation, the end of its input and signals cancel what runs.

mod calls;
mod definitions;
mod door;
mod texts;

use conduit_core::{Result, WorkerCommand};
use rmcp::ServiceExt;
use rmcp::transport::io::stdio_pipes;
use tokio_util::sync::CancellationToken;

use crate::args::ServeArgs;
use crate::output::complain;
use crate::session::{self, Interrupts};
use calls::Server;
use door::Door;

pub(crate) async fn serve(args: ServeArgs, worker: WorkerCommand) -> Result<u8> {
    let mut interrupts = Interrupts::new()?;
    let runtime = session::open(&args.set_up, true, worker)?;
    let server = Server::new(runtime.clone());
    let client_gone = CancellationToken::new();
    let door = Door::new(stdio_pipes(), client_gone.clone());
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let stop = stop.clone();
        async move {
            match server.serve_with_ct(door, stop).await {
                Ok(service) => drop(service.waiting().await),
                Err(error) => complain(format_args!("no MCP session: {error}")),
            }
        }
    });
    tokio::pin!(serving);
    let ended = tokio::select! {
        () = client_gone.cancelled() => false,
        () = interrupts.next() => false,
        _ = &mut serving => true,
    };
    // Executions end first, so that the answers to a client that still listens can be written.
    session::close(&runtime).await;
    stop.cancel();
    if !ended {
        // What is not written by then is not waited for.
        let _ = tokio::time::timeout(session::GRACE, serving).await;
    }
    Ok(0)
}
