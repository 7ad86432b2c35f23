//! What a worker gives up elsewhere than on Linux: what it inherited, which its host has seen to.

use std::fs::File;
use std::io;

use super::frame::Hello;
use crate::error::{Error, ErrorCode, Result};

/// What this system lacks of what confines workers.
pub fn lacking() -> Vec<&'static str> {
    vec!["landlock", "seccomp", "CPU clock of a process"]
}

pub(super) fn at_start(_host: u32) -> Result<()> {
    Ok(())
}

/// Standard input and standard output, unbuffered.
pub(super) fn pipes() -> io::Result<[File; 2]> {
    #[cfg(unix)]
    use std::os::fd::AsFd as _;
    #[cfg(windows)]
    use std::os::windows::io::AsHandle as _;
    #[cfg(unix)]
    let (from, to) = (io::stdin().as_fd().try_clone_to_owned()?, io::stdout().as_fd().try_clone_to_owned()?);
    #[cfg(windows)]
    let (from, to) = (io::stdin().as_handle().try_clone_to_owned()?, io::stdout().as_handle().try_clone_to_owned()?);
    Ok([from.into(), to.into()])
}

pub(super) fn give_up_files(hello: &Hello) -> Result<()> {
    // Where an operator wants more than there is, nothing runs.
    if hello.is_strict {
        return Err(Error::new(ErrorCode::Internal, "workers cannot be confined as the host wants on this system"));
    }
    Ok(())
}

pub(super) fn give_up_calls(_hello: &Hello) -> Result<()> {
    Ok(())
}
