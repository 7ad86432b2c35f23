//! What the kernel does with who took a worker over. Each attack has a process of its own: a copy of this test program.
#![allow(clippy::disallowed_methods, reason = "it tries what nobody here may")]

use std::fs::File;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use rustix::mm::{MapFlags, ProtFlags};
use rustix::process::{getppid, kill_process};

use super::super::VERSION;
use super::*;
use crate::model::{Engine, Language};

/// Names the attack to the copy.
const ATTACK: &str = "CONDUIT_TEST_ATTACK";
/// How the copy ends when nothing stopped it.
const NOTHING: i32 = 70;
/// How it ends when what it tried was refused.
const REFUSED: i32 = 71;

/// Runs one attack in a copy of this program.
fn end_of(attack: &str) -> ExitStatus {
    let mut copy = Command::new(std::env::current_exe().unwrap());
    copy.args(["--exact", "sandbox::worker::confine::tests::the_attack_of_this_process", "--nocapture"]);
    copy.env(ATTACK, attack).output().unwrap().status
}

/// The copy's part: without an attack there is nothing to do.
#[test]
fn the_attack_of_this_process() {
    let Some(attack) = std::env::var_os(ATTACK) else { return };
    let attack = attack.into_string().unwrap();
    let hello = Hello {
        version: VERSION.into(),
        language: Language::Python,
        engine: Engine::Wasm,
        memory_bytes: 64 << 20,
        is_strict: true,
    };
    at_start(getppid().unwrap().as_raw_pid().cast_unsigned()).unwrap();
    let opened = tries_of(&attack, &hello);
    std::process::exit(if opened { NOTHING } else { REFUSED });
}

/// Gives up what a worker gives up, and tries what it may not; whether it could.
#[allow(unsafe_code, reason = "memory that would be code")]
fn tries_of(attack: &str, hello: &Hello) -> bool {
    let denied = |error: &std::io::Error| error.kind() == ErrorKind::PermissionDenied;
    match attack {
        "start: a life of its own" => rustix::process::parent_process_death_signal().unwrap() != Some(Signal::KILL),
        "landlock: a file" => {
            no_files().unwrap();
            !File::open("/etc/passwd").is_err_and(|error| denied(&error))
        }
        "landlock: a connection" => {
            no_files().unwrap();
            !TcpStream::connect("127.0.0.1:9").is_err_and(|error| denied(&error))
        }
        "files: a folder" => {
            give_up_files(hello).unwrap();
            let folder = std::env::temp_dir().join(format!("conduit-attack-{}", std::process::id()));
            !std::fs::create_dir(folder).is_err_and(|error| denied(&error))
        }
        "files: a look into it" => {
            give_up_files(hello).unwrap();
            rustix::process::dumpable_behavior().unwrap() != DumpableBehavior::NotDumpable
        }
        "limits: a descriptor" => {
            give_up_files(hello).unwrap();
            std::io::stdin().as_fd().try_clone_to_owned().is_ok()
        }
        "limits: memory" => {
            give_up_files(hello).unwrap();
            Vec::<u8>::new().try_reserve_exact(1 << 30).is_ok()
        }
        _ => {
            let host = getppid().unwrap();
            give_up_calls(hello).unwrap();
            let anywhere = std::ptr::null_mut();
            match attack {
                "calls: none" => println!("it still writes"),
                "calls: a file" => return File::open("/etc/passwd").is_ok(),
                "calls: a connection" => drop(TcpStream::connect("127.0.0.1:9")),
                "calls: a program" => drop(Command::new("/bin/true").spawn()),
                "calls: a thread" => drop(std::thread::spawn(|| ())),
                "calls: a signal" => drop(kill_process(host, Signal::TERM)),
                "calls: shared memory" => {
                    let access = ProtFlags::READ | ProtFlags::WRITE;
                    // SAFETY: nobody has this memory yet.
                    return unsafe { rustix::mm::mmap_anonymous(anywhere, 4096, access, MapFlags::SHARED) }.is_ok();
                }
                "calls: code" => {
                    let access = ProtFlags::READ | ProtFlags::EXEC;
                    // SAFETY: nobody has this memory yet.
                    return unsafe { rustix::mm::mmap_anonymous(anywhere, 4096, access, MapFlags::PRIVATE) }.is_ok();
                }
                other => panic!("there is no attack {other}"),
            }
            true
        }
    }
}

#[test]
fn k05_who_took_a_worker_over_reaches_nothing() {
    for attack in [
        "start: a life of its own",
        "landlock: a file",
        "landlock: a connection",
        "files: a folder",
        "files: a look into it",
        "limits: a descriptor",
        "limits: memory",
        "calls: a file",
        "calls: code",
        "calls: shared memory",
    ] {
        assert_eq!(end_of(attack).code(), Some(REFUSED), "{attack}");
    }
    for attack in ["a connection", "a program", "a thread", "a signal"] {
        let attack = format!("calls: {attack}");
        assert_eq!(end_of(&attack).signal(), Some(libc::SIGSYS), "{attack}");
    }
    assert_eq!(end_of("calls: none").code(), Some(NOTHING));
}

#[test]
fn a_worker_whose_host_is_another_does_not_begin() {
    let error = at_start(1).unwrap_err();
    assert_eq!(error.to_string(), "the host has ended: 1");
}
