//! What a worker gives up on Linux: files and sockets by landlock, system calls by seccomp, and more by resource limits.
//!
//! In this order, each when it is no longer needed: what was inherited, files when the guest is loaded, calls when all
//! threads are there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getpid, getppid, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

use super::super::cpu_time::cpu_time_of;
use super::frame::Hello;
use crate::error::{Error, ErrorCode, Result};
use crate::model::Engine;

/// The landlock that this was written for; an older kernel refuses what it knows of it.
const LANDLOCK: ABI = ABI::V6;
/// How it is called where it is missing.
const SECCOMP: &str = "seccomp";
/// Memory of a worker beside its guest's and as much on its way there: frames, replies, the transpiler, stacks.
const OWN_MEMORY_BYTES: u64 = 512 << 20;
/// Asks the kernel which pages of a wasm memory were written to.
const PAGEMAP_SCAN: u64 = 0xc060_6610;

/// Calls that a worker needs when it runs programs: memory, its two pipes, waiting, clocks, entropy, signals, its end.
const CALLS: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettimeofday,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_read,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Calls that only who took a worker over makes: the kernel ends it. What is on neither list is refused, as C's library may
/// look for the time zone or the number of processors where it likes, and does without.
const DEADLY: &[libc::c_long] = &[
    libc::SYS_bind,
    libc::SYS_bpf,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_connect,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_io_uring_setup,
    libc::SYS_kill,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_setns,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

fn internal(message: &str, source: impl ToString) -> Error {
    Error::new(ErrorCode::Internal, message).with_source(source.to_string())
}

/// What this system lacks of what confines workers.
pub fn lacking() -> Vec<&'static str> {
    let landlock = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let landlock = landlock.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create);
    let seccomp = rustix::thread::secure_computing_mode().is_ok() && filters(Engine::Wasm).is_ok();
    let cpu_clock = cpu_time_of(std::process::id()).is_some();
    let has = [("landlock", landlock.is_ok()), (SECCOMP, seccomp), ("CPU clock of a process", cpu_clock)];
    has.into_iter().filter(|(_, has)| !has).map(|(name, _)| name).collect()
}

/// Lets go of what was inherited, and ends with the process `host`.
///
/// # Errors
/// `internal` when the host has ended already, or the system refuses.
pub(super) fn at_start(host: u32) -> Result<()> {
    let refused = |error: rustix::io::Errno| internal("a worker cannot be confined", error);
    // SECURITY: a worker does not outlive its host, which alone would end it.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(refused)?;
    if getppid().map(|parent| parent.as_raw_pid().cast_unsigned()) != Some(host) {
        return Err(internal("the host has ended", host));
    }
    // SECURITY: no core, which would hold a program and its data.
    limit(Resource::Core, 0)?;
    close_inherited().map_err(|error| internal("a worker's descriptors cannot be closed", error))
}

/// Closes what another part of the host's process left open to its children.
#[allow(unsafe_code, reason = "closes descriptors that nobody here owns")]
fn close_inherited() -> io::Result<()> {
    // SECURITY: a descriptor of the host's is a way to what it stands for.
    // SAFETY: the process has just begun and has opened nothing itself.
    if unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) } == 0 {
        return Ok(());
    }
    // A kernel before 5.9.
    let open = std::fs::read_dir("/proc/self/fd")?.map(|entry| Ok(entry?.file_name().to_str().map(str::parse)));
    for descriptor in open.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().flatten() {
        if descriptor > 2 {
            // SAFETY: as above. That the list's own is closed already is an error which nobody needs.
            unsafe { libc::close(descriptor) };
        }
    }
    Ok(())
}

/// Standard input and standard output, unbuffered.
pub(super) fn pipes() -> io::Result<[File; 2]> {
    Ok([io::stdin().as_fd().try_clone_to_owned()?.into(), io::stdout().as_fd().try_clone_to_owned()?.into()])
}

/// Gives up the file system, new descriptors and memory beyond what an execution may have. For this thread and those that it
/// starts.
///
/// # Errors
/// `internal` when the system refuses, or has no landlock and the host wants it.
pub(super) fn give_up_files(hello: &Hello) -> Result<()> {
    // SECURITY: who took the worker over does not open a file by its path, whatever the user may.
    let status = no_files().map_err(|error| internal("landlock refuses", error))?;
    if hello.is_strict && status == RulesetStatus::NotEnforced {
        return Err(internal("workers cannot be confined as the host wants", "this kernel has no landlock"));
    }
    // SECURITY: nobody of the same user looks into it, as into its programs' data.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    limit(Resource::Nofile, 0)?;
    limit(Resource::Fsize, 0)?;
    // SECURITY: a worker that was taken over does not eat the machine's memory.
    limit(Resource::Data, hello.memory_bytes.saturating_mul(2).saturating_add(OWN_MEMORY_BYTES))
}

fn no_files() -> std::result::Result<RulesetStatus, RulesetError> {
    let rules = Ruleset::default().handle_access(AccessFs::from_all(LANDLOCK))?;
    let rules = rules.handle_access(AccessNet::from_all(LANDLOCK))?.scope(Scope::from_all(LANDLOCK))?;
    Ok(rules.create()?.restrict_self()?.ruleset)
}

fn limit(resource: Resource, most: u64) -> Result<()> {
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(resource, limit).map_err(|error| internal("a resource limit is refused", error))
}

/// Gives up every system call but those that running programs needs. For all threads.
///
/// # Errors
/// `internal` when the system has no seccomp and the host wants it.
pub(super) fn give_up_calls(hello: &Hello) -> Result<()> {
    // SECURITY: who took the worker over opens no socket and no file and starts nothing.
    let given_up = filters(hello.engine)
        .and_then(|filters| filters.iter().try_for_each(|filter| apply_filter_all_threads(filter)));
    match given_up {
        Err(_) if !hello.is_strict && lacking().contains(&SECCOMP) => Ok(()),
        given_up => given_up.map_err(|error| internal("a worker cannot be confined", error)),
    }
}

/// Of several filters the strictest answer counts.
fn filters(engine: Engine) -> std::result::Result<[BpfProgram; 2], seccompiler::Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = CALLS.iter().map(|call| (*call, Vec::new())).collect();
    let argument = |at, operator, value| SeccompCondition::new(at, SeccompCmpArgLen::Dword, operator, value);
    // SECURITY: a guest's code in wasm is there; no memory becomes code. V8 makes code all the time.
    let code = if engine == Engine::V8 { 0 } else { libc::PROT_EXEC as u64 };
    let no_code = argument(2, SeccompCmpOp::MaskedEq(code), 0)?;
    // SECURITY: shared memory and stacks that grow are no part of what the limit of memory counts.
    let counted = SeccompCmpOp::MaskedEq((libc::MAP_TYPE | libc::MAP_GROWSDOWN) as u64);
    let counted = argument(3, counted, libc::MAP_PRIVATE as u64)?;
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![no_code.clone(), counted])?]);
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![no_code])?]);
    let mut only = |call: libc::c_long, at: u8, operator: SeccompCmpOp, value: u64| {
        let rule = SeccompRule::new(vec![argument(at, operator, value)?])?;
        rules.insert(call, vec![rule]);
        Ok::<_, seccompiler::BackendError>(())
    };
    // Rust's standard library looks at a descriptor before it closes it.
    only(libc::SYS_fcntl, 1, SeccompCmpOp::Eq, libc::F_GETFD as u64)?;
    // Naming memory, which C's library and V8 do.
    only(libc::SYS_prctl, 0, SeccompCmpOp::Eq, libc::PR_SET_VMA as u64)?;
    only(libc::SYS_ioctl, 1, SeccompCmpOp::Eq, PAGEMAP_SCAN)?;
    // For `abort`.
    only(libc::SYS_tgkill, 0, SeccompCmpOp::Eq, getpid().as_raw_pid() as u64)?;
    let arch = std::env::consts::ARCH.try_into()?;
    let deadly = DEADLY.iter().map(|call| (*call, Vec::new())).collect();
    let deadly = SeccompFilter::new(deadly, SeccompAction::Allow, SeccompAction::KillProcess, arch)?;
    let refused = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let rules = SeccompFilter::new(rules, refused, SeccompAction::Allow, arch)?;
    Ok([deadly.try_into()?, rules.try_into()?])
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
