//! CPU time on Windows, which counts in ticks of its scheduler: about 16 ms.

use std::time::Duration;

use windows::Win32::Foundation::FILETIME;
#[cfg(feature = "v8")]
use windows::Win32::System::Threading::{GetCurrentProcess, GetProcessTimes};
use windows::Win32::System::Threading::{GetCurrentThread, GetThreadTimes};

/// The CPU time that the calling thread has used.
#[allow(unsafe_code, reason = "asks the system, which no safe function does")]
pub(super) fn thread_cpu_time() -> Duration {
    let [mut created, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the four places are there to be written to, and a thread's handle on itself is always valid.
    let asked = unsafe { GetThreadTimes(GetCurrentThread(), &mut created, &mut ended, &mut kernel, &mut user) };
    asked.expect("a thread may ask for its own times");
    sum(kernel, user)
}

/// The CPU time that this process has used.
#[cfg(feature = "v8")]
#[allow(unsafe_code, reason = "asks the system, which no safe function does")]
pub(super) fn process_cpu_time() -> Duration {
    let [mut created, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: as above, of a process.
    let asked = unsafe { GetProcessTimes(GetCurrentProcess(), &mut created, &mut ended, &mut kernel, &mut user) };
    asked.expect("a process may ask for its own times");
    sum(kernel, user)
}

/// The CPU time that another process has used, where the system tells.
pub(super) fn cpu_time_of(_process: u32) -> Option<Duration> {
    None
}

fn sum(kernel: FILETIME, user: FILETIME) -> Duration {
    let steps_of_100_ns = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    Duration::from_nanos((steps_of_100_ns(kernel) + steps_of_100_ns(user)).saturating_mul(100))
}
