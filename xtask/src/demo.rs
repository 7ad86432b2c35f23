//! The demo: two programs in each language against real MCP servers and real files, and whether the answers are right.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};

use crate::setup::{install_node, node_modules};
use crate::steps::{Result, Steps, cargo, root};

/// Installs what is missing, builds `conduit`, and runs `examples/quickstart` and `examples/demo/invoices` in each language.
pub fn run(steps: &mut Steps) -> Result {
    install_node(steps)?;
    if !steps.run("build conduit", cargo().args(["build", "--locked", "--package", "conduit-cli", "--bin", "conduit"]))
    {
        return Err("`conduit` could not be built".to_owned());
    }
    let folder = root().join(".work/demo");
    prepare(&folder)?;

    for ending in ["ts", "py"] {
        let program = format!("examples/quickstart.{ending}");
        let start = Instant::now();
        steps.check(&program, start, quickstart(&folder, &program));
        let program = format!("examples/demo/invoices.{ending}");
        let start = Instant::now();
        steps.check(&program, start, invoices(&folder, &program, &format!("reports-{ending}")));
    }
    Ok(())
}

fn quickstart(folder: &Path, program: &str) -> Result {
    let value = show(folder, program, &Value::Null)?;
    equal("the value", &value, &json!({ "warmest": "Los Angeles", "celsius": 73 }))
}

fn invoices(folder: &Path, program: &str, reports: &str) -> Result {
    let value = show(folder, program, &json!({ "folder": "invoices", "reports": reports }))?;
    let expected = parse(&read(&root().join("examples/demo/expected.json"))?)?;
    equal("the value", &value, &expected)?;
    let reports = folder.join(reports);
    equal("`summary.json`", &parse(&read(&reports.join("summary.json"))?)?, &expected)?;
    println!("\n-- {}\n{}", reports.join("summary.md").display(), read(&reports.join("summary.md"))?);
    Ok(())
}

/// A new folder with copies of the invoices and a config whose filesystem server may touch this folder alone.
fn prepare(folder: &Path) -> Result {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("cannot empty `{}`: {error}", folder.display()))?;
    }
    let invoices = folder.join("invoices");
    let said = |error: std::io::Error| format!("cannot fill `{}`: {error}", folder.display());
    fs::create_dir_all(&invoices).map_err(said)?;
    for entry in root().join("examples/demo/invoices").read_dir().map_err(said)? {
        let entry = entry.map_err(said)?;
        fs::copy(entry.path(), invoices.join(entry.file_name())).map_err(said)?;
    }
    let servers = node_modules().join("@modelcontextprotocol");
    let server = |name: &str| json!(servers.join(name).join("dist/index.js"));
    // A JSON string is a YAML string, whatever is in the path.
    let config = format!(
        "upstreams:\n  \
           - id: everything\n    type: stdio\n    command: node\n    args: [{everything}]\n  \
           - id: filesystem\n    type: stdio\n    command: node\n    args: [{filesystem}, {allowed}]\n\
         policy:\n  \
           allow: [\"everything.*\", \"filesystem.*\"]\n",
        everything = server("server-everything"),
        filesystem = server("server-filesystem"),
        allowed = json!(folder),
    );
    println!("\n-- {}\n{config}", folder.join("conduit.yaml").display());
    fs::write(folder.join("conduit.yaml"), config).map_err(said)
}

/// Runs one program and prints all there is to see; its value.
fn show(folder: &Path, program: &str, input: &Value) -> Result<Value> {
    println!("\n-- {program}\n{}", read(&root().join(program))?);
    let mut exec = cargo();
    exec.args(["run", "--quiet", "--locked", "--package", "conduit-cli", "--bin", "conduit", "--", "exec", program]);
    exec.arg("--config").arg(folder.join("conduit.yaml")).args(["--json", "--input", &input.to_string()]);
    let ended = exec.stderr(Stdio::inherit()).output().map_err(|error| format!("cannot run `conduit`: {error}"))?;
    let result = parse(&String::from_utf8_lossy(&ended.stdout))?;
    println!("-- stdout\n{}", text(&result, "/stdout"));
    println!("-- value\n{:#}", result.get("value").unwrap_or(&Value::Null));
    println!("\n-- tool calls\n{}", table(&result));
    println!("-- usage\n{}", result.get("usage").unwrap_or(&Value::Null));
    match (ended.status.success(), result.pointer("/value")) {
        (true, Some(value)) => Ok(value.clone()),
        _ => Err(format!(
            "ended with {}, expected it to complete: {}",
            ended.status,
            result.get("outcome").unwrap_or(&result)
        )),
    }
}

fn table(result: &Value) -> String {
    let mut rows =
        format!("{:36} {:>10} {:>10} {:>9} {:>9}  error\n", "tool", "started ms", "took ms", "bytes in", "bytes out");
    for call in result.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        let number = |key: &str| call.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
        rows.push_str(&format!(
            "{:36} {:>10.1} {:>10.1} {:>9} {:>9}  {}\n",
            text(call, "/tool"),
            number("started_ms"),
            number("duration_ms"),
            number("arguments_bytes"),
            number("reply_bytes"),
            text(call, "/error"),
        ));
    }
    rows
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn equal(what: &str, found: &Value, expected: &Value) -> Result {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found}, expected {expected}")) }
}

fn parse(json: &str) -> Result<Value> {
    serde_json::from_str(json).map_err(|error| format!("`{json}` is not JSON: {error}"))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}
