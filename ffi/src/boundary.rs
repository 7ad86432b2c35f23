//! The one way in from C: panics end here, and what comes in is looked at before it is used.

use std::any::Any;
use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use conduit_core::{Error, ErrorCode, Result};

use crate::handles::Table;
use crate::text::Text;

/// 0, or the number of an error.
pub type conduit_status = i32;

/// Success.
pub(crate) const OK: conduit_status = 0;

/// Text in UTF-8 that somebody else owns: `len` bytes at `ptr`, no NUL needed at the end. `{NULL, 0}` is no text.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct conduit_str {
    /// The first byte.
    pub ptr: *const c_char,
    /// How many bytes.
    pub len: usize,
}

/// Frees what a host handed over together with a function. May be called on any thread.
pub type conduit_free_fn = Option<extern "C" fn(userdata: *mut c_void)>;

/// Why a function failed.
pub struct conduit_error;

static ERRORS: Table<conduit_error, Failure> = Table::new("error");

struct Failure {
    error: Error,
    message: Text,
    json: Text,
}

impl conduit_str {
    pub(crate) const NONE: conduit_str = conduit_str { ptr: std::ptr::null(), len: 0 };

    /// `text`, for as long as its owner keeps it.
    pub(crate) fn borrowed(text: &str) -> conduit_str {
        conduit_str { ptr: text.as_ptr().cast(), len: text.len() }
    }

    /// The text; `what` is how an error calls it.
    ///
    /// # Errors
    /// `invalid_request` when it is NULL with a length, too long to be a text, or not UTF-8.
    pub(crate) unsafe fn read<'a>(self, what: &str) -> Result<&'a str> {
        let invalid = |problem: &str| Error::new(ErrorCode::InvalidRequest, format!("`{what}` {problem}"));
        if self.len == 0 {
            return Ok("");
        }
        // SECURITY: a length that no text has is refused before a byte of it is read.
        if self.ptr.is_null() || isize::try_from(self.len).is_err() {
            return Err(invalid(if self.ptr.is_null() { "is NULL but has a length" } else { "is longer than memory" }));
        }
        let bytes = std::slice::from_raw_parts(self.ptr.cast::<u8>(), self.len);
        // SECURITY: a text that is not UTF-8 is no `str`.
        std::str::from_utf8(bytes).map_err(|error| invalid("is not UTF-8").with_source(error))
    }
}

/// Where a value goes that is the caller's from then on.
#[derive(Clone, Copy)]
pub(crate) struct Out<T>(*mut *mut T);

impl<T> Out<T> {
    /// Looks at the place before anything is done.
    ///
    /// # Errors
    /// `invalid_request` when it is NULL or unaligned.
    pub(crate) fn new(place: *mut *mut T) -> Result<Out<T>> {
        // SECURITY: nothing is written to a place that is none.
        if place.is_null() || !place.is_aligned() {
            return Err(Error::new(ErrorCode::InvalidRequest, "the place for the result is NULL or unaligned"));
        }
        Ok(Out(place))
    }

    pub(crate) unsafe fn write(self, handle: *mut T) -> Result<()> {
        self.0.write(handle);
        Ok(())
    }
}

/// Runs `body` as the whole of an entry: its error, or its panic, becomes a status and, if wanted, an error.
pub(crate) unsafe fn entry(error_out: *mut *mut conduit_error, body: impl FnOnce() -> Result<()>) -> conduit_status {
    let Err(error) = caught(body).and_then(|done| done) else { return OK };
    let status = error.code().number();
    if let Ok(out) = Out::new(error_out) {
        let failure = Failure {
            message: Text::new(error.to_string()),
            json: Text::new(serde_json::json!(error).to_string()),
            error,
        };
        let _ = out.write(ERRORS.insert(failure));
    }
    status
}

/// What `body` gives, and an error when it panics.
pub(crate) fn caught<T>(body: impl FnOnce() -> T) -> Result<T> {
    // SECURITY: no panic goes through C's frames: it is an error, and the process lives.
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        crate::tests::fail_point();
        body()
    }))
    .map_err(|panic| Error::new(ErrorCode::Internal, format!("a fault of Conduit itself: {}", panic_text(&*panic))))
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

/// The error's number, 0 when this is no error.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_error_status(error: *const conduit_error) -> conduit_status {
    caught(|| ERRORS.get(error).map(|failure| failure.error.code().number())).and_then(|it| it).unwrap_or(OK)
}

/// The whole text, with the cause. Valid until the error is freed; `{NULL, 0}` when this is no error.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_error_message(error: *const conduit_error) -> conduit_str {
    lent(|| Ok(ERRORS.get(error)?.message.lend()))
}

/// The error as JSON: `Error` of conduit.schema.json. Valid until the error is freed; `{NULL, 0}` when this is no error.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_error_json(error: *const conduit_error) -> conduit_str {
    lent(|| Ok(ERRORS.get(error)?.json.lend()))
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn conduit_error_free(error: *mut conduit_error) {
    freed(&ERRORS, error);
}

/// A text that lives in a handle; no text when something is wrong.
pub(crate) fn lent(body: impl FnOnce() -> Result<conduit_str>) -> conduit_str {
    caught(body).and_then(|text| text).unwrap_or(conduit_str::NONE)
}

/// Ends a handle; one that is none already is left alone.
pub(crate) fn freed<H, T>(table: &Table<H, T>, handle: *mut H) {
    let _ = caught(|| drop(table.remove(handle)));
}

/// A host's pointer, and how to free it.
pub(crate) struct Userdata(pub(crate) *mut c_void, pub(crate) conduit_free_fn);

// SAFETY: the header asks for userdata that any thread may use.
unsafe impl Send for Userdata {}
// SAFETY: as above.
unsafe impl Sync for Userdata {}

impl Drop for Userdata {
    fn drop(&mut self) {
        if let Some(free) = self.1 {
            free(self.0);
        }
    }
}
