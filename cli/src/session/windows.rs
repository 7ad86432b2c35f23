//! The events of the console that end the command on Windows.

use std::io;
use std::task::Context;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
};

/// Those that end it, each caught.
pub(super) struct Signals {
    interrupt: CtrlC,
    interrupt_too: CtrlBreak,
    window_closes: CtrlClose,
    system_ends: CtrlShutdown,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: ctrl_c()?,
            interrupt_too: ctrl_break()?,
            window_closes: ctrl_close()?,
            system_ends: ctrl_shutdown()?,
        })
    }

    /// Whether one came; if none did, the task is woken when one does.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> bool {
        self.interrupt.poll_recv(context).is_ready()
            || self.interrupt_too.poll_recv(context).is_ready()
            || self.window_closes.poll_recv(context).is_ready()
            || self.system_ends.poll_recv(context).is_ready()
    }
}
