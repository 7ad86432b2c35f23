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

fn of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
