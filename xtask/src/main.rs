//! `cargo xtask`: what the project does to itself.
//!
//! Owns set-up of a fresh machine, the checks that CI runs, the demo and the building of guests. Holds nothing that a
//! user of Conduit needs. Whatever it installs lands in git-ignored folders, Debian's packages apart.

mod c;
mod cpython;
mod crates;
mod declarations;
mod demo;
mod deny;
mod generated;
mod guests;
mod lint;
mod machine;
mod node;
mod package;
mod python;
mod removals;
mod setup;
mod steps;
mod test;
mod v8;

use std::process::ExitCode;

use steps::Steps;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo              installs what is missing and runs programs in both languages against real MCP servers
  test              everything that CI runs
  lint              rustfmt and clippy
  package LANGUAGE  makes the package for `c`, `node` or `python` in .work/packages; `--release` for users
  c, node, python   the tests of one language's package alone
  ... --interpreter PROGRAM  after `package python [--release]` or `python`: with that Python, such as a free-threaded one
  node adapters     those of the Node package's adapters for agent frameworks; after `node`
  declarations      tsc and pyright over the declarations that the tests keep as expected output
  deny              licences, bans, sources and (where the database can be had) advisories of all dependencies
  gen               writes what is generated from core and ffi: header, schema, types of the packages
  setup             the pinned Node and Python packages that the tests use
  guests build NAME rebuilds the guest `js` or `python` and its digest from source
  crates            packs the crates that are published, and looks at their sizes
  cpython [MODULE]  CPython's own tests in the sandbox, all or the named modules; writes docs/cpython-tests.md
  removals [WORD]   takes each security check and each limit out of a copy and sees its test fail
  v8                the tests of the guest in V8, where V8's static library is at hand
  guests check      proves that the committed guests are what their sources give
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut steps = Steps::new();
    let ran = match words.as_slice() {
        ["demo"] => demo::run(&mut steps),
        ["test"] => test::run(&mut steps),
        ["python"] => python::test(&mut steps),
        ["python", "--interpreter", interpreter] => python::test_alone(&mut steps, interpreter),
        ["lint"] => lint::run(&mut steps),
        ["declarations"] => declarations::run(&mut steps),
        ["deny"] => deny::run(&mut steps),
        ["crates"] => crates::run(&mut steps),
        ["gen"] => generated::run(&mut steps),
        ["package", language, words @ ..] => package::run(&mut steps, language, words),
        ["node"] => node::run(&mut steps),
        ["node", "adapters"] => node::adapters(&mut steps),
        ["c"] => c::prepare(&mut steps).and_then(|()| c::run(&mut steps)),
        ["setup"] => setup::run(&mut steps),
        ["cpython", modules @ ..] => cpython::run(&mut steps, modules),
        ["removals"] => removals::run(&mut steps, ""),
        ["removals", word] => removals::run(&mut steps, word),
        ["guests", "build", name] => guests::build(&mut steps, name),
        ["guests", "check"] => guests::check(&mut steps),
        ["v8"] => v8::run(&mut steps),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Err(message) = ran {
        steps.failed("xtask", &message);
    }
    steps.close(words.first() == Some(&"test"))
}
