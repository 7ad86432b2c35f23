//! Names the shared library by the version of its ABI, as loaders on Unix look for it.

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by the environment")]
fn main() {
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match os.as_str() {
        "linux" => println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libconduit.so.0"),
        "macos" => println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libconduit.0.dylib"),
        _ => {}
    }
    println!("cargo::rerun-if-changed=build.rs");
}
