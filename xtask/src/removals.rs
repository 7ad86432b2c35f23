//! Takes each check and each limit out of a copy of the tree, one at a time, and sees its test fail.
//!
//! Owns `tests/removals.toml`. The copy has a target folder of its own, so it may run beside other work.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::machine::own_group;
use crate::steps::{Result, Steps, command, root};

/// A test that hangs without its check fails like one that says so.
const MOST_TIME: Duration = Duration::from_secs(120);

/// The tests of the Node package's adapters, which cargo does not run.
const ADAPTERS: &str = "adapters";
/// The guest in V8, whose tests need V8's static library.
const V8: &str = "conduit-guest-v8";
/// The tests of the Python package's adapters, likewise.
const PYTHON_ADAPTERS: &str = "adapters of Python";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    check: Vec<Removal>,
    limit: Vec<Removal>,
}

/// One check or limit, how it is taken out, and the test that fails then.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removal {
    file: String,
    says: String,
    test: String,
    find: String,
    put: String,
}

impl Table {
    fn read() -> Result<Table> {
        let path = root().join("tests/removals.toml");
        toml::from_str(&read(&path)?).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Runs those whose file, words or test contain `word`.
pub fn run(steps: &mut Steps, word: &str) -> Result {
    let copy = Copy::make(crate::v8::environment()?)?;
    let Table { check, limit } = Table::read()?;
    let can = |removal: &Removal| copy.v8.is_ok() || copy.packages.get(&removal.test) != Some(&V8);
    let named = |removal: &&Removal| [&removal.file, &removal.says, &removal.test].iter().any(|at| at.contains(word));
    let wanted = |removal: &&Removal| named(removal) && can(removal);
    if let (Err(why), true) = (&copy.v8, check.iter().any(|removal| named(&removal) && !can(removal))) {
        steps.cannot("removals: the checks of the guest in V8", why);
    }
    let needs = |package| check.iter().filter(wanted).any(|removal| copy.packages.get(&removal.test) == Some(&package));
    if needs(ADAPTERS) {
        crate::package::node::run(steps, false)?;
        crate::setup::install_adapters(steps)?;
        copy.link_adapters()?;
    }
    if needs(PYTHON_ADAPTERS) {
        crate::python::package(steps, "dev", None)?;
        crate::python::install_adapters(steps)?;
        crate::python::link_native(steps, &copy.folder)?;
    }
    let mut tests = BTreeMap::<&str, Vec<&str>>::new();
    for removal in check.iter().chain(&limit).filter(wanted) {
        if let Some(package) = copy.packages.get(&removal.test) {
            tests.entry(package).or_default().push(&removal.test);
        }
    }
    for (package, tests) in tests {
        let start = Instant::now();
        steps.check(&format!("{package} | with every check in place"), start, copy.passes_as_it_is(package, &tests));
    }
    for removal in check.iter().chain(&limit).filter(wanted) {
        let start = Instant::now();
        let result = copy.fails_without(removal);
        steps.check(&format!("{} | {} | {}", removal.file, removal.says, removal.test), start, result);
    }
    Ok(())
}

/// A copy of the files that git tracks or would.
struct Copy {
    folder: PathBuf,
    /// Which package a test's name belongs to.
    packages: HashMap<String, &'static str>,
    /// Where V8 is, or why it is not here.
    v8: Result<crate::v8::Environment>,
}

impl Copy {
    fn make(v8: Result<crate::v8::Environment>) -> Result<Copy> {
        let folder = root().join(".work/removals/tree");
        let mut packages = HashMap::new();
        for path in tracked()? {
            let (from, to) = (root().join(&path), folder.join(&path));
            if let Ok(target) = fs::read_link(&from) {
                fs::create_dir_all(to.parent().unwrap_or(&folder)).map_err(|error| error.to_string())?;
                crate::machine::link(&target, &to).map_err(|error| error.to_string())?;
                continue;
            }
            // A file that is deleted and not committed yet.
            let Ok(bytes) = fs::read(&from) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            if let Some(package) = package(&path) {
                packages.extend(text.lines().filter_map(|line| test_name(package, line)).map(|name| (name, package)));
            }
            // What has not changed keeps its time, so that cargo builds only what has.
            if fs::read(&to).is_ok_and(|known| known == bytes) {
                continue;
            }
            fs::create_dir_all(to.parent().unwrap_or(&folder)).map_err(|error| error.to_string())?;
            fs::write(&to, bytes).map_err(|error| format!("cannot write `{}`: {error}", to.display()))?;
        }
        // Tests about the code itself ask git for its files, and this folder is one that the outer repository ignores.
        let made = command("git").current_dir(&folder).args(["init", "--quiet"]).status();
        made.map_err(|error| format!("cannot run git: {error}"))?;
        Ok(Copy { folder, packages, v8 })
    }

    /// The frameworks and the native half, as the tests of adapters look for them.
    fn link_adapters(&self) -> Result {
        let link = self.folder.join("bindings-node/node_modules");
        if link.symlink_metadata().is_ok() {
            return Ok(());
        }
        crate::machine::link(&root().join("bindings-node/node_modules"), &link)
            .map_err(|error| format!("cannot make `{}`: {error}", link.display()))
    }

    fn fails_without(&self, removal: &Removal) -> Result {
        let path = self.folder.join(&removal.file);
        let whole = read(&path)?;
        let without = removal.apply(&whole)?;
        fs::write(&path, without).map_err(|error| error.to_string())?;
        let result = self.fails(&removal.test);
        fs::write(&path, whole).map_err(|error| error.to_string())?;
        result
    }

    fn fails(&self, test: &str) -> Result {
        let package = self.packages.get(test).ok_or_else(|| format!("there is no test `{test}`"))?;
        if self.passes(package, &[test])? { Err("the test passes without the check".to_owned()) } else { Ok(()) }
    }

    /// A test that fails anyway says nothing when a check is gone.
    fn passes_as_it_is(&self, package: &str, tests: &[&str]) -> Result {
        if self.passes(package, tests)? { Ok(()) } else { Err("a test fails though nothing is taken out".to_owned()) }
    }

    /// Whether all of these tests pass; what does not compile is neither.
    fn passes(&self, package: &str, tests: &[&str]) -> Result<bool> {
        if package == ADAPTERS {
            let mut run = crate::node::adapter_tests(&self.folder, tests)?;
            let child = crate::machine::own_group(&mut run).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            return child.map_err(|error| error.to_string()).and_then(passed_in_time);
        }
        if package == PYTHON_ADAPTERS {
            let mut run = crate::python::adapter_tests(&self.folder, tests);
            let child = crate::machine::own_group(&mut run).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            return child.map_err(|error| error.to_string()).and_then(passed_in_time);
        }
        let built = self.tests_of(package).arg("--no-run").output();
        match built {
            Ok(output) if output.status.success() => {}
            Ok(output) => return Err(format!("does not compile:\n{}", String::from_utf8_lossy(&output.stderr))),
            Err(error) => return Err(error.to_string()),
        }
        let mut run = self.tests_of(package);
        let child = own_group(run.args(["--no-fail-fast", "--"]).args(tests))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        child.map_err(|error| error.to_string()).and_then(passed_in_time)
    }

    fn tests_of(&self, package: &str) -> Command {
        let mut cargo = command(env!("CARGO"));
        if let (V8, Ok(environment)) = (package, &self.v8) {
            cargo.envs(environment.clone());
        }
        cargo
            .current_dir(&self.folder)
            .args(["test", "--package", package, "--all-targets"])
            .args((package == V8).then_some("--features=v8"))
            .env("CARGO_TARGET_DIR", root().join(".work/removals/target"))
            .env("CONDUIT_TEST_NODE_MODULES", crate::setup::node_modules())
            .env("CONDUIT_TEST_PYTHON", crate::setup::python());
        cargo
    }
}

impl Removal {
    fn apply(&self, text: &str) -> Result<String> {
        match text.matches(&self.find).count() {
            _ if self.find.is_empty() => Err("nothing is to be taken out".to_owned()),
            1 => Ok(text.replacen(&self.find, &self.put, 1)),
            count => Err(format!("the piece to take out stands in `{}` {count} times, expected once", self.file)),
        }
    }
}

/// Whether the process succeeds; one that hangs is killed with all its children, and does not.
fn passed_in_time(mut child: Child) -> Result<bool> {
    let end = Instant::now() + MOST_TIME;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status.success());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let group = format!("-{}", child.id());
    let _ = command("kill").args(["-KILL", "--", &group]).status();
    let _ = child.wait();
    Ok(false)
}

/// The name of the test that starts in this line, or of another function: of an adapter's test, without the framework's version.
fn test_name(package: &str, line: &str) -> Option<String> {
    let line = line.trim();
    if package == PYTHON_ADAPTERS {
        let (_, name) = line.split_once("def test_")?;
        return Some(format!("test_{}", name.split('(').next()?));
    }
    if package != ADAPTERS {
        return line.split_once("fn ")?.1.split(['(', '<']).next().map(str::to_owned);
    }
    let name = line.strip_prefix("test(")?.split(['\'', '`']).nth(1)?;
    Some(name.strip_prefix("${title}: ").unwrap_or(name).to_owned())
}

fn package(path: &str) -> Option<&'static str> {
    if path.starts_with("bindings-node/test/adapters/") && path.ends_with(".mjs") {
        return Some(ADAPTERS);
    }
    if path.starts_with("bindings-python/tests/adapters/") && path.ends_with(".py") {
        return Some(PYTHON_ADAPTERS);
    }
    let packages = [
        ("core/", "conduit-core"),
        ("cli/", "conduit-cli"),
        ("ffi/", "conduit-ffi"),
        ("tests/tests/", "conduit-tests"),
        ("guests/js/", "conduit-guest-js"),
        ("guests/python/", "conduit-guest-python"),
        ("guests/v8/", V8),
        ("xtask/", "xtask"),
    ];
    let rust = Path::new(path).extension().is_some_and(|extension| extension == "rs");
    packages.iter().find(|(folder, _)| rust && path.starts_with(folder)).map(|(_, package)| *package)
}

fn tracked() -> Result<Vec<String>> {
    let listed = command("git").args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).output();
    let listed = listed.map_err(|error| format!("cannot run git: {error}"))?;
    Ok(String::from_utf8_lossy(&listed.stdout).split_terminator('\0').map(str::to_owned).collect())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use conduit_core::Limit;

    use super::*;

    /// Where the `// SECURITY:` comments of the product stand, and how their first lines read.
    fn marked() -> BTreeSet<(String, String)> {
        let product = |path: &String| {
            let folders = [
                "core/src/",
                "cli/src/",
                "ffi/src/",
                "bindings-node/adapters/",
                "bindings-node/src/",
                "bindings-python/python/",
                "bindings-python/src/",
                "guests/",
            ];
            folders.iter().any(|folder| path.starts_with(folder))
                && [".rs", ".c", ".js", ".py"].iter().any(|ending| path.ends_with(ending))
        };
        let paths = tracked().unwrap().into_iter().filter(product);
        let texts = paths.filter_map(|path| read(&root().join(&path)).ok().map(|text| (path, text)));
        let comments = texts.flat_map(|(path, text)| {
            let says = text.lines().filter_map(|line| {
                let line = line.trim();
                line.strip_prefix("// SECURITY: ").or_else(|| line.strip_prefix("# SECURITY: "))
            });
            says.map(|says| (path.clone(), says.to_owned())).collect::<Vec<_>>()
        });
        comments.collect()
    }

    #[test]
    fn every_security_check_and_every_limit_can_be_taken_out() {
        let table = Table::read().unwrap();
        let named = table.check.iter().map(|removal| (removal.file.clone(), removal.says.clone()));
        let (named, marked) = (named.collect::<BTreeSet<_>>(), marked());
        let [stale, missing] = [&named - &marked, &marked - &named];
        assert!(
            stale.is_empty() && missing.is_empty(),
            "entries without a check: {stale:#?}, checks without: {missing:#?}"
        );
        let limits: BTreeSet<&str> = table.limit.iter().map(|removal| removal.says.as_str()).collect();
        assert_eq!(limits, Limit::ALL.iter().map(|limit| limit.name()).collect());

        let names: BTreeSet<String> = tracked()
            .unwrap()
            .iter()
            .filter_map(|path| Some((package(path)?, read(&root().join(path)).unwrap_or_default())))
            .flat_map(|(package, text)| text.lines().filter_map(|line| test_name(package, line)).collect::<Vec<_>>())
            .collect();
        for removal in table.check.iter().chain(&table.limit) {
            let text = read(&root().join(&removal.file)).unwrap();
            removal.apply(&text).unwrap_or_else(|error| panic!("{}, `{}`: {error}", removal.file, removal.says));
            assert!(names.contains(&removal.test), "there is no test `{}`", removal.test);
        }
    }
}
