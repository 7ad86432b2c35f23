//! How a program in each language asks about its tools: the words in messages to it.

use crate::model::Language;
use crate::tool::ToolName;

/// The words of one language.
#[derive(Clone, Copy)]
pub(super) struct Words {
    /// What stands for a list of all tools in place of a tool's name.
    pub(super) list: &'static str,
    /// What stands for a search, likewise.
    pub(super) search: &'static str,
    /// A call that lists all tools.
    pub(super) list_call: &'static str,
    /// A call that searches them.
    pub(super) search_call: &'static str,
    describe: &'static str,
}

impl Words {
    pub(super) const fn of(language: Language) -> Words {
        match language {
            Language::TypeScript => Words {
                list: "$list",
                search: "$search",
                list_call: "tools.$list()",
                search_call: "tools.$search(query)",
                describe: "tools.$describe",
            },
            Language::Python => Words {
                list: "list_tools",
                search: "search_tools",
                list_call: "list_tools()",
                search_call: "search_tools(query)",
                describe: "describe_tool",
            },
        }
    }

    /// The call that describes `tool`.
    pub(super) fn describe_call(self, tool: &ToolName) -> String {
        format!("{}(\"{tool}\")", self.describe)
    }
}
