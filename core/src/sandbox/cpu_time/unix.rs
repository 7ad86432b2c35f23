//! CPU time on Unix.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time that the calling thread has used.
pub(super) fn thread_cpu_time() -> Duration {
    of(ClockId::ThreadCPUTime)
}

/// The CPU time that this process has used.
#[cfg(feature = "v8")]
pub(super) fn process_cpu_time() -> Duration {
    of(ClockId::ProcessCPUTime)
}

/// The CPU time that another process has used, where the system tells.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "asks the system, which no safe function does")]
pub(super) fn cpu_time_of(process: u32) -> Option<Duration> {
    let (mut clock, mut time) = (0, libc::timespec { tv_sec: 0, tv_nsec: 0 });
    // SAFETY: the two places are there to be written to.
    let asked = unsafe {
        libc::clock_getcpuclockid(process.cast_signed(), &mut clock) == 0 && libc::clock_gettime(clock, &mut time) == 0
    };
    asked.then(|| Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0)))
}

/// The CPU time that another process has used, where the system tells.
#[cfg(not(target_os = "linux"))]
pub(super) fn cpu_time_of(_process: u32) -> Option<Duration> {
    None
}

fn of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
