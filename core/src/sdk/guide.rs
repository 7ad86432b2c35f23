//! How to write a program, for the model that writes it.

use crate::model::Language;

/// What a model has to know to write a program in `language`: for the description of a tool that runs programs, before the
/// declarations of the tools that they can call.
///
/// # Example
///
/// ```
/// use conduit_core::{Language, guide};
///
/// assert!(guide(Language::Python).starts_with("Runs one Python 3.13 program in a fresh sandbox"));
/// ```
pub const fn guide(language: Language) -> &'static str {
    match language {
        Language::TypeScript => TYPESCRIPT,
        Language::Python => PYTHON,
    }
}

const TYPESCRIPT: &str = "\
Runs one TypeScript or JavaScript program in a fresh sandbox and returns its value and what it printed. Use it to call \
tools: several in one program, with code that filters, joins and totals their results, so that only what you need comes back.

Calling a tool: `const issue = await tools.github.create_issue({title: \"x\"})`, as `tools.<upstream>.<tool>(arguments)`. \
It gives the tool's structured result, else its text (parsed when it is JSON). `tools.$call(\"github.create_issue\", {...})` \
does the same for a name in a variable. Use `Promise.all` for calls that do not depend on one another. Within a program \
`await tools.$search(query)`, `tools.$describe(name)` and `tools.$list()` tell what tools there are.

The program: top-level `await` and `return` work, and its value, which must be JSON, is what it returns or its last \
expression. `input` is the `input` argument, if this tool has one. There are `console`, timers, `URL`, `TextEncoder`, `structuredClone` and \
`crypto.randomUUID`; no `import`, no `Intl` (use `toFixed` and `toISOString`), no files, and no network but the tools. Nothing is kept from one run to the next.

Errors: a call that fails throws a `ToolError` with `code`, `message` and `content`, which the program can catch. When the \
program itself fails or breaks a limit, the result says why and at which line, and keeps what was printed: correct the program \
and run it again, but mind that calls which had succeeded have had their effect.";

const PYTHON: &str = "\
Runs one Python 3.13 program in a fresh sandbox and returns its value and what it printed. Use it to call \
tools: several in one program, with code that filters, joins and totals their results, so that only what you need comes back.

Calling a tool: `issue = await tools.github.create_issue(title=\"x\")`, as `await tools.<upstream>.<tool>(**arguments)` or with one \
dict. Every call needs `await`. It gives the tool's structured result as dicts, lists and scalars (`issue[\"number\"]`), else its text \
(parsed when it is JSON). `await call_tool(\"github.create_issue\", {...})` does the same for a name in a variable. Use \
`await asyncio.gather(...)` for calls that do not depend on one another. Within a program `await search_tools(query)`, \
`await describe_tool(name)` and `await list_tools()` tell what tools there are.

The program: top-level `await` and `return` work, and its value, which must be JSON, is what it returns or its last \
expression; `async def main(): ...` with `asyncio.run(main())` works too. `input` is the `input` argument, if this tool has one, and no function. \
The standard library is there (json, re, datetime, collections, statistics, ...); no packages beside it, no files, no processes, no threads, \
and no network but the tools. Nothing is kept from one run to the next.

Errors: a call that fails raises a `ToolError` with `code`, `message` and `content`, which the program can catch. When the \
program itself fails or breaks a limit, the result says why and at which line, and keeps what was printed: correct the program \
and run it again, but mind that calls which had succeeded have had their effect.";
