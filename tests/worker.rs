//! A worker process for tests: what an embedding program would do at the start of its `main`.

fn main() {
    std::process::exit(conduit_core::worker_exit_status(std::env::args_os()).into());
}
