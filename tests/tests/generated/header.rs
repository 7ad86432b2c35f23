//! `conduit.h`: cbindgen's view of ffi/src, and the numbers of errors.

use std::fmt::Write;
use std::path::Path;

use cbindgen::{Builder, Config};
use conduit_core::ErrorCode;

pub fn text() -> String {
    let ffi = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ffi");
    let mut config = Config::from_file(ffi.join("cbindgen.toml")).unwrap();
    config.after_includes = Some(numbers());
    let builder = Builder::new().with_config(config).with_src(ffi.join("src/lib.rs"));
    let mut header = Vec::new();
    builder.generate().expect("ffi/src is what cbindgen understands").write(&mut header);
    String::from_utf8(header).unwrap()
}

/// `enum` constants: the type of a status is as wide as its number on every platform.
fn numbers() -> String {
    let mut text = format!("\n#define CONDUIT_VERSION \"{}\"\n\n", env!("CARGO_PKG_VERSION"));
    text.push_str("/* What a `conduit_status` can be. Numbers are never reused. */\nenum {\n  CONDUIT_STATUS_OK = 0");
    for code in ErrorCode::ALL {
        let _ = write!(text, ",\n  CONDUIT_STATUS_{} = {}", code.name().to_uppercase(), code.number());
    }
    text.push_str("\n};\n");
    text
}
