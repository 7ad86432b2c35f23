//! The sandboxes of the languages that a runtime offers, one each: a guest's pool fits its guest, and the two never mix.

use super::worker::{WorkerOptions, Workers};
use super::{GuestImage, Prepare, Sandbox, SandboxSize};
use crate::error::{Error, ErrorCode, Result};
use crate::model::Language;

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

/// A sandbox for each language that is offered.
pub struct Sandboxes {
    offered: Vec<(Language, Sandbox)>,
}

impl Sandboxes {
    /// Loads the guests of `languages`, all at once; or, with `workers`, finds out how these are started.
    ///
    /// # Errors
    /// As [`Sandbox::here`]; `invalid_config` when the workers' program is not there, or this system cannot confine them as it must.
    pub fn load(
        languages: &[Language],
        size: SandboxSize,
        prepare: fn(Language) -> Prepare,
        workers: Option<&WorkerOptions>,
    ) -> Result<Sandboxes> {
        let load = |language: Language| {
            let image = image(language);
            let sandbox = match workers {
                None => Sandbox::here(image, prepare(language), size)?,
                Some(options) => Sandbox::in_workers(Workers::new(options, language, size.threads)?, image),
            };
            Ok((language, sandbox))
        };
        let offered = std::thread::scope(|scope| {
            let loading: Vec<_> = languages.iter().map(|language| scope.spawn(move || load(*language))).collect();
            let panicked = |_| Err(Error::new(ErrorCode::Internal, "a guest could not be loaded"));
            loading.into_iter().map(|guest| guest.join().unwrap_or_else(panicked)).collect::<Result<_>>()
        })?;
        Ok(Sandboxes { offered })
    }

    /// The sandbox for programs in `language`.
    ///
    /// # Errors
    /// `invalid_request` when it is not offered.
    pub fn of(&self, language: Language) -> Result<&Sandbox> {
        let found = self.offered.iter().find(|(offered, _)| *offered == language);
        found.map(|(_, sandbox)| sandbox).ok_or_else(|| {
            let names: Vec<_> = self.languages().map(Language::name).collect();
            let message =
                format!("there are no programs in `{}` here, expected `{}`", language.name(), names.join("` or `"));
            Error::new(ErrorCode::InvalidRequest, message)
        })
    }

    /// The languages that are offered.
    pub fn languages(&self) -> impl Iterator<Item = Language> {
        self.offered.iter().map(|(language, _)| *language)
    }
}

pub(super) fn image(language: Language) -> &'static GuestImage {
    match language {
        Language::TypeScript => &JAVASCRIPT,
        Language::Python => &PYTHON,
    }
}
