//! The way to a child: writing to one that has gone is an error, and no signal that ends this program.
//!
//! Rust's own programs ignore `SIGPIPE`, and so do Node and Python; a program in C that embeds Conduit may not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tokio::process::ChildStdin;

/// A child's standard input. Dropping it tells the child to end.
pub struct Stdin(ChildStdin);

impl Stdin {
    pub(super) fn new(stdin: ChildStdin) -> Stdin {
        Stdin(stdin)
    }
}

impl AsyncWrite for Stdin {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // SECURITY: a child that ends does not take this program with it.
        without_signal(|| Pin::new(&mut self.0).poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Writes so that no `SIGPIPE` comes to this thread.
#[cfg(unix)]
#[allow(unsafe_code, reason = "signals of one thread")]
fn without_signal(write: impl FnOnce() -> Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    use std::mem::MaybeUninit;
    use std::ptr::null_mut;

    let [mut pipe, mut before, mut pending] = [MaybeUninit::<libc::sigset_t>::zeroed(); 3];
    // SAFETY: sets of this function's own, which are filled before they are read; what the thread had blocked is as before.
    unsafe {
        libc::sigemptyset(pipe.as_mut_ptr());
        libc::sigaddset(pipe.as_mut_ptr(), libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, pipe.as_ptr(), before.as_mut_ptr());
        let written = write();
        if libc::sigismember(before.as_ptr(), libc::SIGPIPE) == 0 {
            let is_broken = matches!(&written, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe);
            // This thread's own signal, of the write above, is taken away before it can arrive.
            if is_broken
                && libc::sigpending(pending.as_mut_ptr()) == 0
                && libc::sigismember(pending.as_ptr(), libc::SIGPIPE) == 1
            {
                let mut taken = 0;
                libc::sigwait(pipe.as_ptr(), &raw mut taken);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), null_mut());
        }
        written
    }
}

#[cfg(windows)]
fn without_signal(write: impl FnOnce() -> Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    write()
}

#[cfg(all(test, unix))]
#[allow(unsafe_code, reason = "it sets a signal's action")]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;

    use super::super::{ProcessKind, ProcessSpec, spawn};

    const COPY: &str = "CONDUIT_TEST_SIGPIPE";

    /// Writes to a child that has gone, in a program to which the signal is deadly.
    #[tokio::test]
    async fn the_writer_of_this_process() {
        if std::env::var_os(COPY).is_none() {
            return;
        }
        // SAFETY: a signal that has no handler in this process.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let spec = ProcessSpec {
            command: "true".into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            kind: ProcessKind::Worker,
        };
        let (process, mut pipes) = spawn(&spec).unwrap();
        process.exited().wait_for(Option::is_some).await.unwrap();
        let written = tokio::time::timeout(Duration::from_secs(20), pipes.stdin.write_all(b"x")).await.unwrap();
        std::process::exit(if written.is_err() { 70 } else { 71 });
    }

    #[test]
    fn a_child_that_has_gone_is_an_error_and_no_signal() {
        let mut copy = std::process::Command::new(std::env::current_exe().unwrap());
        copy.args(["--exact", "egress::process::stdin::tests::the_writer_of_this_process"]);
        let ended = copy.env(COPY, "1").output().unwrap();
        assert_eq!(ended.status.code(), Some(70), "{ended:?}");
    }
}
