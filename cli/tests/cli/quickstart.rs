//! The README's quick start, as it stands there: `npx` finds the pinned server that `cargo xtask test` installs.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

#[test]
fn the_quick_start_gives_what_the_readme_says() {
    the_readme_says_what_comes_of("quickstart.ts");
}

#[test]
fn the_quick_start_in_python_gives_the_same() {
    the_readme_says_what_comes_of("quickstart.py");
}

fn the_readme_says_what_comes_of(program: &str) {
    let modules = std::env::var("CONDUIT_TEST_NODE_MODULES")
        .expect("`CONDUIT_TEST_NODE_MODULES` is not set: run `cargo xtask test`, which installs the server");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_conduit"))
        .current_dir(Path::new(&modules).parent().unwrap())
        .arg("exec")
        .arg(root.join("examples").join(program))
        .arg("--config")
        .arg(root.join("examples/conduit.yaml"))
        .arg("--json")
        .output()
        .unwrap();
    let result: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let shown = readme.split("```json\n").find(|block| block.contains("\"outcome\"")).unwrap();
    let shown: Value = serde_json::from_str(shown.split("```").next().unwrap()).unwrap();
    for key in ["outcome", "value", "stdout", "stderr"] {
        assert_eq!(result[key].to_string(), shown[key].to_string(), "{key}");
    }
    assert_eq!(result["usage"]["tool_calls"], shown["usage"]["tool_calls"]);
    let tools: Vec<_> = result["tool_calls"].as_array().unwrap().iter().map(|call| &call["tool"]).collect();
    let structured = "everything.get-structured-content";
    assert_eq!(
        tools,
        [structured, structured, structured, "everything.echo"].map(|tool| json!(tool)).iter().collect::<Vec<_>>()
    );
}
