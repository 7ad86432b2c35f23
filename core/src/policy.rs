//! Which tools a program may call. Pure, and can only narrow.
//!
//! A policy is a conjunction of allow-lists: a tool is allowed when every list has a pattern for it. Nothing listed means
//! nothing allowed.

use std::sync::Arc;

use crate::tool::{ToolName, ToolPattern};

/// What a [`Policy`] says of one tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The call may go on.
    Allow,
    /// The tool is as if it did not exist.
    Deny,
}

/// What an operator who stated no policy has to know: nothing is allowed, and which line changes that.
pub const NO_POLICY: &str = "no tool is allowed: add for example `policy: {allow: [\"*\"]}` to the config";

/// An allow-list, narrowed by zero or more further allow-lists. Cheap to clone.
///
/// # Example: a request only narrows
///
/// ```
/// use conduit_core::{Decision, Policy, ToolName, ToolPattern};
///
/// let operator = Policy::allow([ToolPattern::parse("github.*")?]);
/// let narrowed = operator.narrow(Some(&[ToolPattern::parse("*")?]));
/// assert_eq!(narrowed.decide(&ToolName::parse("github.get_issue")?), Decision::Allow);
/// assert_eq!(narrowed.decide(&ToolName::parse("slack.post")?), Decision::Deny);
/// assert_eq!(Policy::unstated().decide(&ToolName::parse("github.get_issue")?), Decision::Deny);
/// # Ok::<(), conduit_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policy {
    lists: Vec<Arc<[ToolPattern]>>,
    stated: bool,
}

impl Policy {
    /// Allows what `patterns` cover; none allows nothing.
    pub fn allow(patterns: impl IntoIterator<Item = ToolPattern>) -> Policy {
        Policy { lists: vec![patterns.into_iter().collect()], stated: true }
    }

    /// The policy of an operator who stated none: nothing is allowed.
    pub fn unstated() -> Policy {
        Policy::default()
    }

    /// Whether the operator stated a policy at all. Without one every error may say so: it holds for every tool alike.
    pub fn is_stated(&self) -> bool {
        self.stated
    }

    /// This policy and, if there is one, the request's list too. `None` keeps the policy; an empty list allows nothing.
    pub fn narrow(&self, request: Option<&[ToolPattern]>) -> Policy {
        let mut narrowed = self.clone();
        // SECURITY: lists are only ever added, and a tool must pass them all.
        narrowed.lists.extend(request.map(Arc::from));
        narrowed
    }

    /// All its patterns, for an operator who wants to know what each is good for.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &ToolPattern> {
        self.lists.iter().flat_map(|list| list.iter())
    }

    /// Whether any tool of `upstream` could be allowed; if not, nobody needs to ask that upstream for its tools.
    pub fn may_allow_in(&self, upstream: &str) -> bool {
        let reaches = |list: &Arc<[ToolPattern]>| list.iter().any(|pattern| pattern.reaches(upstream));
        self.stated && self.lists.iter().all(reaches)
    }

    /// Whether `name` may be called.
    pub fn decide(&self, name: &ToolName) -> Decision {
        let listed = |list: &Arc<[ToolPattern]>| list.iter().any(|pattern| pattern.matches(name));
        // SECURITY: deny by default: an operator who stated nothing allows nothing, whatever the request lists.
        if self.stated && self.lists.iter().all(listed) { Decision::Allow } else { Decision::Deny }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<ToolPattern> {
        texts.iter().map(|text| ToolPattern::parse(text).unwrap()).collect()
    }

    #[test]
    fn t02_nothing_listed_is_nothing_allowed() {
        let name = ToolName::parse("github.x").unwrap();
        assert_eq!(Policy::unstated().decide(&name), Decision::Deny);
        assert_eq!(Policy::unstated().narrow(Some(&patterns(&["*"]))).decide(&name), Decision::Deny);
        assert_eq!(Policy::allow([]).decide(&name), Decision::Deny);
        assert_eq!(Policy::allow(patterns(&["*"])).narrow(Some(&[])).decide(&name), Decision::Deny);
        assert_eq!(Policy::allow(patterns(&["*"])).narrow(None).decide(&name), Decision::Allow);
    }

    #[test]
    fn only_upstreams_in_reach_are_asked() {
        let policy = Policy::allow(patterns(&["github.*", "slack.post"])).narrow(Some(&patterns(&["slack.*"])));
        assert!(policy.may_allow_in("slack"));
        assert!(!policy.may_allow_in("github"));
        assert!(!policy.may_allow_in("slack2"));
        assert!(!Policy::unstated().may_allow_in("slack"));
    }

    #[test]
    fn t02_a_request_only_narrows() {
        let operator = Policy::allow(patterns(&["github.*"]));
        let narrowed = operator.narrow(Some(&patterns(&["*", "slack.post"])));
        assert_eq!(narrowed.decide(&ToolName::parse("github.x").unwrap()), Decision::Allow);
        assert_eq!(narrowed.decide(&ToolName::parse("slack.post").unwrap()), Decision::Deny);
    }
}
