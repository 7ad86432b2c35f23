//! How a config is opened, and who else can read and change it, on Unix.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

pub(super) fn open(path: &Path) -> io::Result<File> {
    // SECURITY: does not wait for the writer of a FIFO; what was opened is what is looked at and read.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

/// What everybody on the machine can do with a file.
pub(super) struct Everybody {
    pub(super) can_read: bool,
    pub(super) can_write: bool,
}

impl Everybody {
    pub(super) fn of(file: &Metadata) -> Everybody {
        let mode = file.permissions().mode();
        Everybody { can_read: mode & 0o004 != 0, can_write: mode & 0o002 != 0 }
    }
}
