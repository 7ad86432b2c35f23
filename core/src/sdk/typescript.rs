//! Declarations in TypeScript: what a model reads before it writes a program.
//!
//! Owns the printing: names verbatim, the same tools always the same text. They are for reading, not for enforcing, and
//! nobody runs them; yet every text of an upstream is escaped where it is printed, so that none can pass for code.

use std::sync::Arc;

use crate::tool::Tool;

use super::cut;
use super::ir::{self, Doc, Document, Object, Type};
use super::names::{Aliases, TypeNames, pascal_case, snake_case, type_stem};
use super::text::{self, MAX_BYTES, MAX_FIELD_TEXT, by_upstream, visible};

/// What a program asks of every object: tools with these names are not among the properties.
const RESERVED: [&str; 2] = ["then", "toJSON"];
/// The longest object that is printed on one line, in characters.
const MAX_LINE: usize = 80;

/// What every program finds besides its tools.
const COMMON: &str = "  /** Calls a tool by its full name, `upstream.tool`. With `full`, gives the whole MCP result. */
  $call(name: string, args?: object, options?: { full?: boolean }): Promise<any>;
  /** The tools that fit a question best, best first. */
  $search(query: string): Promise<{ name: string; description: string | null }[]>;
  /** One tool with its schemas and its declaration. */
  $describe(name: string): Promise<{ name: string; description?: string; declaration: string; [key: string]: unknown }>;
  /** All tools. */
  $list(): Promise<{ name: string; description: string | null }[]>;
};

/** What the caller gave to this run. */
declare const input: unknown;

/** Thrown when a call fails or is refused. */
declare class ToolError extends Error {
  /** Why, such as `tool_failed`, `tool_not_found` or `invalid_arguments`. */
  readonly code: string;
  /** The tool by its full name, or as the program wrote it when there is none. */
  readonly tool: string;
  /** The tool's own content blocks, when it ran and reported an error. */
  readonly content: any;
}
";

/// The declarations of everything that a program with these tools can use.
pub fn declarations(tools: &[Arc<Tool>]) -> String {
    let head = "// A tool without an output schema gives `any`: its text, parsed where it is JSON.\n";
    format!("{head}{}", print(&tools.iter().map(|tool| &**tool).collect::<Vec<_>>(), COMMON))
}

/// The declaration of one tool.
pub fn declaration_of(tool: &Tool) -> String {
    print(&[tool], "};\n")
}

fn print(tools: &[&Tool], end: &str) -> String {
    let mut printer = Printer::default();
    let groups = by_upstream(tools);
    let upstreams = Aliases::new(groups.iter().map(|(upstream, _)| *upstream));
    let (mut body, mut left) = (String::from("declare const tools: {\n"), 0);
    for (upstream, members) in groups {
        let alias = alias_of(&upstreams, upstream);
        let path = match &alias {
            Some(alias) => format!("tools.{alias}"),
            None if is_identifier(upstream) => format!("tools.{upstream}"),
            None => format!("tools[{}]", quote(upstream)),
        };
        let alias = alias.map(|alias| format!("Also `tools.{alias}`."));
        body.push_str(&block_comment(&alias.into_iter().collect::<Vec<_>>(), "  "));
        body.push_str(&format!("  readonly {}: {{\n", key(upstream)));
        let names = Aliases::new(members.iter().map(|tool| tool.name.tool()));
        for tool in members {
            // SECURITY: upstreams decide how much they list; nobody reads this much.
            if body.len() + printer.types.len() > MAX_BYTES {
                left += 1;
                continue;
            }
            body.push_str(&printer.tool(tool, &path, alias_of(&names, tool.name.tool())));
        }
        body.push_str("  };\n");
    }
    if left > 0 {
        body.push_str(&format!("  // {left} more tools are not shown here, `$search` finds them.\n"));
    }
    body.push_str(end);
    match printer.types.is_empty() {
        true => body,
        false => format!("{body}\ndeclare namespace types {{\n{}}}\n", printer.types),
    }
}

/// For a name that needs quotes: its snake_case, if that needs none and means this name.
fn alias_of(names: &Aliases<'_>, name: &str) -> Option<String> {
    Some(snake_case(name)).filter(|alias| !is_identifier(name) && is_identifier(alias) && names.means(alias, name))
}

#[derive(Default)]
struct Printer {
    /// The named types so far.
    types: String,
    names: TypeNames,
}

impl Printer {
    fn tool(&mut self, tool: &Tool, path: &str, alias: Option<String>) -> String {
        let mut lines: Vec<String> = text::of_tool(tool).map(|line| comment_text(&line)).collect();
        lines.extend(alias.map(|alias| format!("Also `{path}.{alias}`.")));
        let name = tool.name.tool();
        if RESERVED.contains(&name) {
            lines.push(format!("Only by `tools.$call({})`.", quote(&tool.name.to_string())));
        }
        let args = tool.input_schema.as_ref().map(ir::read);
        let result = tool.output_schema.as_ref().map(ir::read);
        lines.extend(text::notes(args.as_ref(), result.as_ref()));
        let any_object = || "{ [key: string]: unknown }".to_owned();
        let (args, is_optional) = match &args {
            Some(document) => {
                let names = self.names_of(tool, "Args", document);
                let kind = match &document.kind {
                    Type::Unknown => any_object(),
                    kind => Scope { names: &names }.print(kind, "    "),
                };
                (kind, document.may_be_omitted())
            }
            None => (any_object(), true),
        };
        let result = match &result {
            Some(document) => {
                let names = self.names_of(tool, "Result", document);
                Scope { names: &names }.print(&document.kind, "    ")
            }
            None => "any".to_owned(),
        };
        let mark = if is_optional { "?" } else { "" };
        let comment = block_comment(&lines, "    ");
        // Unquoted, `new(...)` would declare a constructor.
        let key = if name == "new" { quote(name) } else { key(name) };
        format!("{comment}    {key}(args{mark}: {args}): Promise<{result}>;\n")
    }

    /// Prints a document's named types and gives their full names.
    fn names_of(&mut self, tool: &Tool, role: &str, document: &Document) -> Vec<String> {
        let own = type_stem(&format!("{}_{}", tool.name.upstream(), tool.name.tool()));
        let mut names = Vec::new();
        for definition in &document.definitions {
            let part = if definition.name == "Root" { role.to_owned() } else { pascal_case(&definition.name) };
            names.push(self.names.take(format!("{own}{part}")));
        }
        for (definition, name) in document.definitions.iter().zip(&names) {
            self.types.push_str(&line_comment(&definition.doc, "  "));
            let printed = Scope { names: &names }.print(&definition.kind, "  ");
            self.types.push_str(&format!("  type {name} = {printed};\n"));
        }
        names
    }
}

/// The names that a document's definitions have.
struct Scope<'a> {
    names: &'a [String],
}

impl Scope<'_> {
    fn print(&self, kind: &Type, indent: &str) -> String {
        match kind {
            Type::Unknown => "unknown".to_owned(),
            Type::Never => "never".to_owned(),
            Type::Null => "null".to_owned(),
            Type::Boolean => "boolean".to_owned(),
            Type::Integer | Type::Number => "number".to_owned(),
            Type::String => "string".to_owned(),
            Type::Literal(serde_json::Value::String(text)) => quote(text),
            Type::Literal(value) => value.to_string(),
            Type::Array(item) => format!("{}[]", self.operand(item, indent)),
            Type::Tuple(items, needed, rest) => {
                let item = |(index, item): (usize, &Type)| match index < *needed {
                    true => self.print(item, indent),
                    false => format!("{}?", self.operand(item, indent)),
                };
                let rest = rest.as_ref().map(|rest| format!("...{}[]", self.operand(rest, indent)));
                let items: Vec<String> = items.iter().enumerate().map(item).chain(rest).collect();
                format!("[{}]", items.join(", "))
            }
            Type::Object(object) => self.object(object, indent),
            Type::Union(kinds) => kinds.iter().map(|kind| self.print(kind, indent)).collect::<Vec<_>>().join(" | "),
            Type::Intersection(kinds) => {
                kinds.iter().map(|kind| self.operand(kind, indent)).collect::<Vec<_>>().join(" & ")
            }
            Type::Named(number) => self.names.get(*number).map_or("unknown".to_owned(), |name| format!("types.{name}")),
        }
    }

    /// A type where an operator follows it.
    fn operand(&self, kind: &Type, indent: &str) -> String {
        let printed = self.print(kind, indent);
        if matches!(kind, Type::Union(_) | Type::Intersection(_)) { format!("({printed})") } else { printed }
    }

    fn object(&self, object: &Object, indent: &str) -> String {
        let inner = format!("{indent}  ");
        let mut lines: Vec<String> = Vec::new();
        for field in &object.fields {
            let mark = if field.is_optional { "?" } else { "" };
            let comment = line_comment(&field.doc, &inner);
            lines.push(format!("{comment}{inner}{}{mark}: {};\n", key(&field.name), self.print(&field.kind, &inner)));
        }
        if let Some(rest) = &object.rest {
            let rest = match (&**rest, object.fields.is_empty()) {
                (kind, true) => format!("{inner}[key: string]: {};\n", self.print(kind, &inner)),
                (Type::Unknown, false) => format!("{inner}[key: string]: unknown;\n"),
                // TypeScript wants the named properties to be of this type too, which JSON Schema does not.
                (kind, false) => {
                    let others = comment_text(&cut(&self.print(kind, "").replace('\n', " "), MAX_FIELD_TEXT));
                    format!("{inner}/** Others: {others} */\n{inner}[key: string]: unknown;\n")
                }
            };
            lines.push(rest);
        }
        if lines.is_empty() {
            return "{}".to_owned();
        }
        let text = lines.concat();
        let is_short = text.len() < MAX_LINE
            && !text.contains("/**")
            && lines.iter().all(|line| line.trim_end().lines().count() == 1);
        if is_short {
            let members: Vec<&str> = text.lines().map(str::trim).collect();
            return format!("{{ {} }}", members.join(" ").trim_end_matches(';'));
        }
        format!("{{\n{text}{indent}}}")
    }
}

/// A property's name, in quotes unless it is an identifier.
fn key(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { quote(name) }
}

fn is_identifier(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$';
    name.bytes().next().is_some_and(is_letter) && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// A string literal.
fn quote(text: &str) -> String {
    text::quote(text, |c| format!("\\u{{{c:x}}}"))
}

/// A line of an upstream's text, fit for a comment.
fn comment_text(text: &str) -> String {
    // SECURITY: nothing in it ends the comment.
    visible(text).replace("*/", "*\\/")
}

/// `/** ... */` over one line or several; nothing for no lines.
fn block_comment(lines: &[String], indent: &str) -> String {
    match lines {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        lines => {
            let lines: String =
                lines.iter().map(|line| format!("{}\n", format!("{indent} * {line}").trim_end())).collect();
            format!("{indent}/**\n{lines}{indent} */\n")
        }
    }
}

fn line_comment(doc: &Doc, indent: &str) -> String {
    let text = text::of_field(doc, &[]);
    if text.is_empty() { text } else { block_comment(&[comment_text(&text)], indent) }
}

#[cfg(test)]
#[path = "typescript_tests.rs"]
mod tests;
