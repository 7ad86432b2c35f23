//! Every module of Python's standard library can be imported, or LIMITATIONS.md names it; and the guest says why.

use conduit_core::{ExecutionRequest, Language, Outcome, Runtime};
use std::collections::BTreeMap;
use std::path::Path;

const IMPORT_ALL: &str = "
import importlib, sys, warnings
warnings.simplefilter('ignore')

def why(name):
    try:
        importlib.import_module(name)
    except Exception as error:
        return f'{type(error).__name__}: {error}'

names = sorted(name for name in sys.stdlib_module_names if not name.startswith('_'))
return {'known': len(names), 'missing': {name: told for name in names + ['http.server'] if (told := why(name))}}";

/// The modules that the table of Python's missing ones names, of those that are asked.
fn listed(asked: &[&String]) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../LIMITATIONS.md");
    let text = std::fs::read_to_string(path).unwrap();
    let python = text.split("\n# ").find(|part| part.starts_with("Python")).unwrap();
    let named = |name: &&&String| python.contains(&format!("`{name}`"));
    asked.iter().filter(named).map(|name| (*name).clone()).collect()
}

#[tokio::test]
async fn every_module_is_there_or_listed_with_a_reason() {
    let runtime = Runtime::builder().languages([Language::Python]).build().unwrap();
    let result = runtime.execute(ExecutionRequest::python(IMPORT_ALL)).await.unwrap();
    assert_eq!(result.outcome, Outcome::Completed, "{result:?}");
    assert!(result.value["known"].as_u64() > Some(150), "{}", result.value["known"]);
    let missing: BTreeMap<String, String> = serde_json::from_value(result.value["missing"].clone()).unwrap();
    for (name, told) in &missing {
        let reason = told.strip_prefix(&format!("ModuleNotFoundError: no module named '{name}': "));
        assert!(reason.is_some_and(|reason| reason.len() > 10), "importing `{name}` gives no reason: {told}");
    }
    let names: Vec<&String> = missing.keys().collect();
    assert_eq!(listed(&names), names.into_iter().cloned().collect::<Vec<_>>(), "LIMITATIONS.md does not list all");
}
