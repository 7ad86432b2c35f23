//! Declarations in Python: what a model reads before it writes a program.
//!
//! Owns the printing of tools as methods, by the names that programs write, with the arguments as keywords where Python has
//! such names. The same tools give always the same text, and pyright accepts it. They are for reading, not for enforcing;
//! yet every text of an upstream is escaped where it is printed, so that none can pass for code.

use std::sync::Arc;

use crate::tool::Tool;

use super::ir;
use super::names::{Aliases, is_python_name, python_case, snake_case, type_stem};
use super::text::{self, MAX_BYTES, by_upstream, visible};
use types::{Parameter, Parameters, Scope, Types, quote};

mod types;

/// The longest line that a method's arguments share, in characters.
const MAX_LINE: usize = 120;
/// Built-in types that types are printed with: a method with such a name hides it from the others of its class.
const BUILTINS: [&str; 6] = ["bool", "dict", "float", "int", "list", "str"];
/// Types of `typing` that types of methods are printed with. Their names are left to them.
const TYPING: [&str; 3] = ["Any", "Literal", "Never"];

const HEAD: &str =
    "# Call tools as `await tools.upstream.tool(name=value)`; one that is declared with `args` takes one dict.
# A tool without an output schema gives `Any`: its text, parsed where it is JSON.
";

/// What every program finds besides its tools.
const COMMON: &str = r#"
tools: _Tools
input: Any  # What the caller gave to this run

class ToolError(Exception):
    """Raised when a call fails or is refused."""
    message: str  # What went wrong
    code: str  # Why, such as `tool_failed`, `tool_not_found` or `invalid_arguments`
    tool: str  # The tool by its full name, or as the program wrote it when there is none
    content: Any  # The tool's own content blocks, when it ran and reported an error

class _Found(TypedDict):
    name: str
    description: str | None

async def call_tool(name: str, args: dict[str, Any] | None = None, /, *, full: bool = False, **kwargs: Any) -> Any:
    """Calls a tool by its full name, `upstream.tool`. With `full`, gives the whole MCP result."""
async def search_tools(query: str, /) -> list[_Found]:
    """The tools that fit a question best, best first."""
async def describe_tool(name: str, /) -> dict[str, Any]:
    """One tool: `name`, `description`, its schemas, and its `declaration`."""
async def list_tools() -> list[_Found]:
    """All tools."""
"#;

/// The declarations of everything that a program with these tools can use.
pub fn declarations(tools: &[Arc<Tool>]) -> String {
    let printed = print(&tools.iter().map(|tool| &**tool).collect::<Vec<_>>());
    let members = if printed.members.is_empty() { "    ...\n" } else { &printed.members };
    let imports = printed.types.imports(&["Any", "TypedDict"]);
    format!("{HEAD}{imports}\n{}class _Tools:\n{members}{COMMON}", printed.classes)
}

/// The declaration of one tool.
// Until the gate knows an execution's language.
#[allow(dead_code)]
pub fn declaration_of(tool: &Tool) -> String {
    print(&[tool]).classes.trim_end().to_owned() + "\n"
}

struct Printed {
    classes: String,
    /// The members of `_Tools`.
    members: String,
    types: Types,
}

fn print(tools: &[&Tool]) -> Printed {
    let groups = by_upstream(tools);
    let upstreams = Aliases::new(groups.iter().map(|(upstream, _)| *upstream));
    let mut types = Types::new(&["_Tools", "_Found"]);
    let (mut classes, mut members, mut left) = (String::new(), String::new(), 0);
    for (upstream, tools) in groups {
        let class = types.take_name(&format!("_{}", type_stem(upstream)));
        let attribute = attribute_of(&upstreams, upstream);
        let names = Aliases::new(tools.iter().map(|tool| tool.name.tool()));
        let names: Vec<_> =
            tools.iter().map(|tool| attribute_of(&names, tool.name.tool()).filter(|_| attribute.is_some())).collect();
        let hidden: Vec<&str> =
            BUILTINS.into_iter().filter(|name| names.iter().flatten().any(|it| it == name)).collect();
        let mut methods = String::new();
        for (tool, name) in tools.iter().zip(&names) {
            // SECURITY: upstreams decide how much they list; nobody reads this much.
            if classes.len() + methods.len() + types.text.len() > MAX_BYTES {
                left += 1;
                continue;
            }
            match name {
                Some(name) => methods.push_str(&method(&mut types, tool, &class, name, &hidden)),
                None => methods.push_str(&unreachable(tool, &method(&mut types, tool, &class, tool.name.tool(), &[]))),
            }
        }
        let path = attribute.as_ref().map(|attribute| format!("  # tools.{attribute}")).unwrap_or_default();
        let rest = if names.iter().any(Option::is_some) { "" } else { "    ...\n" };
        classes.push_str(&format!("class {class}:{path}\n{methods}{rest}\n{}", types.take_text()));
        members.extend(attribute.map(|attribute| format!("    {attribute}: {class}\n")));
    }
    if left > 0 {
        classes.push_str(&format!("# {left} more tools are not shown here, `search_tools` finds them.\n\n"));
    }
    Printed { classes, members, types }
}

/// What a program calls `name` by behind a dot: its snake_case, else itself, if that means it alone.
fn attribute_of(names: &Aliases<'_>, name: &str) -> Option<String> {
    // A guest forwards no names with `_` in front, which are Python's own, but those of digits.
    let is_forwarded = |name: &str| {
        let is_digits =
            name.strip_prefix('_').is_none_or(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
        is_python_name(name) && is_digits && !TYPING.contains(&name)
    };
    let spellings = [python_case(&snake_case(name)), name.to_owned()];
    spellings.into_iter().find(|alias| is_forwarded(alias) && names.means(alias, name))
}

/// A method that has no name in Python, as a comment.
fn unreachable(tool: &Tool, method: &str) -> String {
    let lines = method.lines().map(|line| line.strip_prefix("    ").unwrap_or(line));
    let head = format!("Only by `call_tool({}, ...)`:", quote(&tool.name.to_string()));
    std::iter::once(head.as_str()).chain(lines).map(|line| format!("    # {}\n", types::comment_text(line))).collect()
}

fn method(types: &mut Types, tool: &Tool, class: &str, name: &str, hidden: &[&'static str]) -> String {
    let own = tool.name.tool();
    let args = tool.input_schema.as_ref().map(ir::read);
    let result = tool.output_schema.as_ref().map(ir::read);
    let parameters = match &args {
        Some(document) => Scope::new(types, document, class, format!("{own}_args"), hidden).parameters(),
        None => Parameters::any(),
    };
    let given = match &result {
        Some(document) => Scope::new(types, document, class, format!("{own}_result"), hidden).whole(),
        None => "Any".to_owned(),
    };
    let mut lines: Vec<String> = text::of_tool(tool).map(|line| doc_text(&line)).collect();
    lines.extend(text::notes(args.as_ref(), result.as_ref()));
    let doc = match lines.is_empty() {
        true => " ...\n".to_owned(),
        false => format!("\n{}", docstring(&lines, "        ")),
    };
    format!("    async def {name}({}) -> {given}:{doc}", arguments(&parameters, name.len() + given.len()))
}

/// The arguments on one line with the method's name and result, which have so many bytes, else one on a line.
fn arguments(parameters: &Parameters, others: usize) -> String {
    let (first, parameters) = match parameters {
        Parameters::Dict(args) => return format!("self, {args}, /"),
        Parameters::Keywords(list) if list.iter().all(|parameter| parameter.code.starts_with("**")) => ("self", list),
        Parameters::Keywords(list) => ("self, *", list),
    };
    let codes = parameters.iter().map(|parameter| parameter.code.as_str());
    let line = std::iter::once(first).chain(codes).collect::<Vec<_>>().join(", ");
    let is_short = line.chars().count() + others + "    async def () -> :".len() <= MAX_LINE;
    if parameters.is_empty() || is_short && parameters.iter().all(|parameter| parameter.comment.is_empty()) {
        return line;
    }
    let row = |parameter: &Parameter| format!("        {},{}\n", parameter.code, parameter.comment);
    format!("\n        {first},\n{}    ", parameters.iter().map(row).collect::<String>())
}

/// A line of an upstream's text, fit for a docstring.
fn doc_text(text: &str) -> String {
    // SECURITY: nothing in it ends the docstring or escapes what does.
    visible(text).replace('\\', "\\\\").replace("\"\"\"", "'''")
}

fn docstring(lines: &[String], indent: &str) -> String {
    let text: String = lines.iter().map(|line| format!("{}\n", format!("{indent}{line}").trim_end())).collect();
    let text = text.trim();
    // SECURITY: a quote at the end would be one of those that end the docstring.
    match text.strip_suffix('"') {
        Some(text) => format!("{indent}\"\"\"{text}\\\"\"\"\"\n"),
        None => format!("{indent}\"\"\"{text}\"\"\"\n"),
    }
}

#[cfg(test)]
mod tests;
