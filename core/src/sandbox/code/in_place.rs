//! Code that runs where it lies, on Linux: wasmtime knows code by its address, so one engine at a time has it in place.

use std::sync::{Arc, Mutex, PoisonError};

use rustix::mm::{MprotectFlags, mprotect};
use rustix::param::page_size;
use wasmtime::CustomCodeMemory;

/// The addresses of code that an engine has in place.
static IN_PLACE: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// An engine's hold on code where it lies. The engine and its modules keep it, so the place is free when all of them are gone.
struct Place(usize);

/// The place of this code, for one engine's settings; `None` when it is taken, or no page of the system begins there.
pub(in crate::sandbox) fn place(cwasm: &'static [u8]) -> Option<Arc<dyn CustomCodeMemory>> {
    let address = cwasm.as_ptr().addr();
    let mut taken = IN_PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    if !address.is_multiple_of(page_size()) || taken.contains(&address) {
        return None;
    }
    taken.push(address);
    Some(Arc::new(Place(address)))
}

impl Drop for Place {
    fn drop(&mut self) {
        IN_PLACE.lock().unwrap_or_else(PoisonError::into_inner).retain(|address| *address != self.0);
    }
}

impl CustomCodeMemory for Place {
    fn required_alignment(&self) -> usize {
        page_size()
    }

    #[allow(unsafe_code, reason = "makes the guest's code executable")]
    fn publish_executable(&self, code: *const u8, length: usize) -> wasmtime::Result<()> {
        if !code.addr().is_multiple_of(page_size()) || !length.is_multiple_of(page_size()) {
            return Err(wasmtime::Error::msg("the code does not fill its pages"));
        }
        // SECURITY: code is never writable, so a flaw elsewhere cannot change it.
        let access = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: these are whole pages of `'static` bytes that nobody may write, and reading stays allowed.
        Ok(unsafe { mprotect(code.cast_mut().cast(), length, access) }?)
    }

    fn unpublish_executable(&self, _code: *const u8, _length: usize) -> wasmtime::Result<()> {
        // The next engine in this place needs it as it is, and nobody ever writes there.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use conduit_test_guests::HOSTILE;
    use wasmtime::{Engine, Module};

    use super::super::load;
    use super::*;

    /// The hostile guest's code, from where a page begins.
    fn pages() -> &'static [u8] {
        let bytes = vec![0; HOSTILE.len() + page_size()].leak();
        let unaligned = bytes.as_ptr().align_offset(page_size());
        let code = &mut bytes[unaligned..][..HOSTILE.len()];
        code.copy_from_slice(HOSTILE);
        code
    }

    fn module(code: &'static [u8]) -> (Module, bool) {
        let mut config = wasmtime::Config::new();
        conduit_guest_engine::configure(&mut config);
        let place = place(code);
        config.with_custom_code_memory(place.clone());
        (load(&Engine::new(&config).unwrap(), code, place.is_some()).unwrap(), place.is_some())
    }

    #[test]
    fn one_engine_has_the_code_in_its_place_and_another_a_copy() {
        let code = pages();
        let [(first, first_in_place), (second, second_in_place)] = [module(code), module(code)];
        assert!(first_in_place && !second_in_place, "one of them has the code in its place");
        assert!(code.as_ptr_range().contains(&first.text().as_ptr()));
        assert!(!code.as_ptr_range().contains(&second.text().as_ptr()));
    }

    #[test]
    fn a_place_is_free_when_its_engine_and_modules_are_gone() {
        let code = pages();
        for _ in 0..2 {
            let (module, in_place) = module(code);
            assert!(in_place);
            assert!(place(code).is_none());
            let copy = module.clone();
            drop(module);
            assert!(place(code).is_none());
            drop(copy);
        }
        assert!(place(&code[1..]).is_none(), "no page begins there");
    }
}
