//! The sandboxes of the languages that a runtime offers, one each: a guest's pool fits its guest, and the two never mix.

use futures_util::future::join_all;

use super::worker::{WorkerOptions, Workers};
use super::{GuestImage, Prepare, Sandbox, SandboxSize};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Engine, Language};

const JAVASCRIPT: GuestImage = GuestImage {
    name: "js",
    cwasm: conduit_guest_js::CWASM,
    memory_bytes: conduit_guest_js::MEMORY_BYTES,
    configure: conduit_guest_js::configure,
};

const PYTHON: GuestImage = GuestImage {
    name: "python",
    cwasm: conduit_guest_python::CWASM,
    memory_bytes: conduit_guest_python::MEMORY_BYTES,
    configure: conduit_guest_python::configure,
};

/// What a sandbox is for.
pub type Kind = (Language, Engine);

/// A sandbox for each language and engine that are offered.
pub struct Sandboxes {
    /// What is preferred comes first.
    offered: Vec<(Kind, Sandbox)>,
}

impl Sandboxes {
    /// Loads the guests of `kinds`, all at once; or, where they are to run in `workers`, finds out how these are started.
    ///
    /// # Errors
    /// As [`Sandbox::here`]; `invalid_config` when the workers' program is not there, this system cannot confine them as it must, or
    /// there is no such engine in this build.
    pub fn load(
        kinds: &[Kind],
        size: SandboxSize,
        prepare: fn(Language) -> Prepare,
        workers: impl Fn(Engine) -> Result<Option<WorkerOptions>> + Sync,
    ) -> Result<Sandboxes> {
        let load = |kind: Kind| {
            let (language, engine) = kind;
            let sandbox = match workers(engine)? {
                None => Sandbox::here(image(language), prepare(language), size)?,
                Some(options) => {
                    let least = least_memory_bytes(kind)?;
                    Sandbox::in_workers(Workers::new(&options, kind, size.threads)?, least)
                }
            };
            Ok((kind, sandbox))
        };
        let offered = std::thread::scope(|scope| {
            let loading: Vec<_> = kinds.iter().map(|kind| scope.spawn(|| load(*kind))).collect();
            let panicked = |_| Err(Error::new(ErrorCode::Internal, "a guest could not be loaded"));
            loading.into_iter().map(|guest| guest.join().unwrap_or_else(panicked)).collect::<Result<_>>()
        })?;
        Ok(Sandboxes { offered })
    }

    /// The sandbox for programs in `language`, the preferred one unless a request names its engine.
    ///
    /// # Errors
    /// `invalid_request` when it is not offered.
    pub fn of(&self, language: Language, engine: Option<Engine>) -> Result<&Sandbox> {
        let named = |kind: &Kind| kind.0 == language && engine.is_none_or(|engine| engine == kind.1);
        let found = self.offered.iter().find(|(kind, _)| named(kind));
        found.map(|(_, sandbox)| sandbox).ok_or_else(|| self.not_offered(language, engine))
    }

    fn not_offered(&self, language: Language, engine: Option<Engine>) -> Error {
        let of_language = self.offered.iter().filter(|(kind, _)| kind.0 == language);
        let engines: Vec<_> = of_language.map(|(kind, _)| kind.1.name()).collect();
        let message = match engine {
            Some(engine) if !engines.is_empty() => {
                let (engine, language, expected) = (engine.name(), language.name(), engines.join("` or `"));
                format!("there is no engine `{engine}` for `{language}` here, expected `{expected}`")
            }
            _ => {
                let names: Vec<_> = self.languages().into_iter().map(Language::name).collect();
                format!("there are no programs in `{}` here, expected `{}`", language.name(), names.join("` or `"))
            }
        };
        Error::new(ErrorCode::InvalidRequest, message)
    }

    /// Ends the processes that wait for a program.
    pub async fn close(&self) {
        join_all(self.offered.iter().map(|(_, sandbox)| sandbox.close())).await;
    }

    /// The languages that are offered.
    pub fn languages(&self) -> Vec<Language> {
        let mut languages: Vec<_> = self.offered.iter().map(|((language, _), _)| *language).collect();
        languages.dedup();
        languages
    }
}

/// The memory that a program in a worker has before it does anything.
fn least_memory_bytes((language, engine): Kind) -> Result<u64> {
    match engine {
        Engine::Wasm => Ok(image(language).memory_bytes),
        #[cfg(feature = "v8")]
        Engine::V8 => Ok(super::worker::V8_MEMORY_BYTES),
        #[cfg(not(feature = "v8"))]
        Engine::V8 => {
            let message = "`engines` has `v8`, which this build does not have, expected one with the feature `v8`";
            Err(Error::new(ErrorCode::InvalidConfig, message))
        }
    }
}

pub(super) fn image(language: Language) -> &'static GuestImage {
    match language {
        Language::TypeScript => &JAVASCRIPT,
        Language::Python => &PYTHON,
    }
}
