//! A runtime in the making: a config, and the host's tools.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use conduit_core::{
    Config, Embedded, Error, ErrorCode, Result, Runtime, RuntimeBuilder, ToolDefinition, WorkerCommand,
};
use tokio::sync::Semaphore;

use crate::boundary::{Out, Userdata, conduit_error, conduit_free_fn, conduit_status, conduit_str, entry, freed};
use crate::call::{HOST_THREADS, conduit_tool_fn, local_function};
use crate::handles::Table;
use crate::runtime::{RUNTIMES, conduit_runtime};

/// A runtime in the making. Not for two threads at once.
pub struct conduit_builder;

/// A builder until it is used up, and the threads of its functions.
static BUILDERS: Table<conduit_builder, (Mutex<Option<RuntimeBuilder>>, Arc<Semaphore>)> = Table::new("builder");

/// Begins a runtime with `config_json`: JSON with the keys of a config file (`Config` of conduit.schema.json), whose texts
/// are taken as they are. No text is an empty config, which allows no tool.
///
/// Errors: `invalid_config` when it is not understood.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_builder_new(
    config_json: conduit_str,
    builder_out: *mut *mut conduit_builder,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    entry(error_out, || {
        let out = Out::new(builder_out)?;
        let json = config_json.read("config_json")?;
        let config = if json.is_empty() { Config::default() } else { Config::from_json(json)? };
        begin(config, out)
    })
}

/// Begins a runtime with the config file at `path`, YAML or JSON, in which `${VAR}` stands for variables of the environment.
///
/// Errors: `invalid_config` when it cannot be read or is not understood; the message has the line.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_builder_from_file(
    path: conduit_str,
    builder_out: *mut *mut conduit_builder,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    entry(error_out, || {
        let out = Out::new(builder_out)?;
        begin(Config::read(Path::new(path.read("path")?))?, out)
    })
}

unsafe fn begin(config: Config, out: Out<conduit_builder>) -> Result<()> {
    let builder = Runtime::builder_from(config).worker(WorkerCommand::beside_library());
    out.write(BUILDERS.insert((Mutex::new(Some(builder)), Arc::new(Semaphore::new(HOST_THREADS)))))
}

/// Adds a tool that the host implements: `definition_json` is `ToolDefinition` of conduit.schema.json, such as
/// `{"name": "weather", "inputSchema": {...}}`. Programs call it as `tools.host.weather(...)` if the policy allows it.
///
/// `function` is called with `userdata` for each call, on threads of the library, several at once. `userdata_free` (or NULL) is
/// called once with `userdata` when nothing uses it any more, also when this function fails.
///
/// Errors: `invalid_config` when the definition is not understood, `invalid_request`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_builder_add_tool(
    builder: *mut conduit_builder,
    definition_json: conduit_str,
    function: conduit_tool_fn,
    userdata: *mut std::ffi::c_void,
    userdata_free: conduit_free_fn,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    let userdata = Userdata(userdata, userdata_free);
    entry(error_out, || {
        let held = BUILDERS.get(builder)?;
        let function = function.ok_or_else(|| Error::new(ErrorCode::InvalidRequest, "`function` is NULL"))?;
        let definition = ToolDefinition::from_json(definition_json.read("definition_json")?)?;
        let mut builder = held.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = builder.take().ok_or_else(used)?;
        let function = local_function(function, userdata, Arc::clone(&held.1));
        *builder = Some(begun.defined_tool(definition, function));
        Ok(())
    })
}

/// Makes the runtime, in some milliseconds. Uses the builder up, whether it succeeds or not.
///
/// Errors: `invalid_config`, `invalid_limit`, `address_denied`, `upstream_unavailable` when the system has no trusted roots
/// for `https`, `internal`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn conduit_builder_build(
    builder: *mut conduit_builder,
    runtime_out: *mut *mut conduit_runtime,
    error_out: *mut *mut conduit_error,
) -> conduit_status {
    entry(error_out, || {
        let held = BUILDERS.remove(builder)?;
        let out = Out::new(runtime_out)?;
        let begun = held.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        out.write(RUNTIMES.insert(Embedded::start(begun.ok_or_else(used)?)?))
    })
}

/// Frees a builder that was not built. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_builder_free(builder: *mut conduit_builder) {
    freed(&BUILDERS, builder);
}

fn used() -> Error {
    Error::new(ErrorCode::InvalidRequest, "the builder is used by another thread, or was used up")
}
