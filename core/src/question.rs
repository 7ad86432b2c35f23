//! What a runtime can be asked beside running programs, in JSON: for embedding programs in other languages.
//!
//! Owns the form of questions and of their answers, and no behaviour: each is a method of [`Runtime`].

use serde::{Deserialize, Serialize};

use crate::error::{ErrorCode, Result, read_json};
use crate::gateway::SEARCH_RESULTS;
use crate::model::Language;
use crate::runtime::Runtime;
use crate::tool::ToolPattern;

/// A question to a [`Runtime`]. Each is the method of the same name, which has the documentation.
///
/// # Example: a question as JSON
///
/// ```
/// use conduit_core::{Question, Runtime};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> conduit_core::Result<()> {
/// let question = Question::from_json(r#"{"ask": "tools", "allow": ["github.*"]}"#)?;
/// assert_eq!(question.answer(&Runtime::builder().build()?).await?, "[]");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the methods have the documentation")]
pub enum Question {
    Tools { allow: Option<Vec<ToolPattern>> },
    SearchTools { query: String, limit: Option<usize>, allow: Option<Vec<ToolPattern>> },
    DescribeTools { names: Vec<String>, allow: Option<Vec<ToolPattern>> },
    Declarations { language: Language, allow: Option<Vec<ToolPattern>> },
    Check {},
    Shutdown {},
}

impl Question {
    /// Reads a question.
    ///
    /// # Errors
    /// `invalid_request` when it is not understood.
    pub fn from_json(json: &str) -> Result<Question> {
        read_json(json, ErrorCode::InvalidRequest, "the request")
    }

    /// The answer, as JSON.
    ///
    /// # Errors
    /// As the method that is asked for.
    pub async fn answer(self, runtime: &Runtime) -> Result<String> {
        Ok(match self {
            Question::Tools { allow } => json(&runtime.tools(allow.as_deref()).await),
            Question::SearchTools { query, limit, allow } => {
                json(&runtime.search_tools(&query, limit.unwrap_or(SEARCH_RESULTS), allow.as_deref()).await?)
            }
            Question::DescribeTools { names, allow } => json(&runtime.describe_tools(&names, allow.as_deref()).await?),
            Question::Declarations { language, allow } => {
                let tools = runtime.tools(allow.as_deref()).await;
                json(&runtime.declarations(language, tools).await?)
            }
            Question::Check {} => json(&runtime.check().await),
            Question::Shutdown {} => json(&runtime.shutdown().await),
        })
    }
}

fn json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).expect("what a runtime answers has texts as keys")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::upstream::LocalTool;

    #[tokio::test]
    async fn a_question_in_json_is_answered_as_its_method_does() {
        let echo = LocalTool::new("echo", |arguments, _| async move { Ok(arguments.into()) });
        let everything = Policy::allow([ToolPattern::parse("*").unwrap()]);
        let runtime = Runtime::builder().host_tool(echo).policy(everything).build().unwrap();
        let ask = async |json: &str| Question::from_json(json)?.answer(&runtime).await;
        let tools = json(&runtime.tools(None).await);
        assert_eq!(ask(r#"{"ask": "tools"}"#).await.unwrap(), tools);
        assert_eq!(ask(r#"{"ask": "tools", "allow": []}"#).await.unwrap(), "[]");
        let found = ask(r#"{"ask": "search_tools", "query": "echo", "limit": null}"#).await.unwrap();
        assert_eq!(found, json(&runtime.search_tools("echo", 10, None).await.unwrap()));
        let declared = ask(r#"{"ask": "declarations", "language": "python"}"#).await.unwrap();
        assert!(declared.contains("def echo("), "{declared}");
        for wrong in [
            "{}",
            r#"{"ask": "nothing"}"#,
            r#"{"ask": "check", "allow": []}"#,
            r#"{"ask": "tools", "allow": ["x"]}"#,
            r#"{"ask": "declarations", "language": "ruby"}"#,
            r#"{"ask": "describe_tools", "names": []}"#,
        ] {
            assert_eq!(ask(wrong).await.unwrap_err().code(), ErrorCode::InvalidRequest, "{wrong}");
        }
        assert_eq!(ask(r#"{"ask": "shutdown"}"#).await.unwrap(), "null");
    }
}
