"""Why tests fail: `expected.toml` held against what has failed."""

import collections
import tomllib


class Cause:
    """`title` and `why` are for people. A test belongs to it by its name in `tests`, or by the message of its failure; names in
    `left_out` are not run. A name that ends with `*` is the beginning of names."""

    def __init__(self, title, why, messages=(), tests=(), left_out=()):
        self.title, self.why, self.messages, self.tests, self.left_out = title, why, messages, tests, left_out

    def has(self, name, messages):
        """Whether it explains all failures of a test."""
        by_name = any(matches(pattern, name) for pattern in self.tests)
        return by_name or all(any(part in message for part in self.messages) for message in messages)


def matches(pattern, name):
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


class Expectations:
    def __init__(self, path):
        self.causes = [Cause(**cause) for cause in tomllib.loads(path.read_text())["cause"]]

    def left_out(self):
        return [name for cause in self.causes for name in cause.left_out]

    def leaves_out(self, module):
        return module in self.left_out()

    def cause(self, name, messages):
        """The cause of a failure, or None."""
        return next((cause for cause in self.causes if cause.has(name, messages)), None)

    def by_cause(self, outcomes):
        """`{cause or None: [(name, messages)]}`"""
        found = collections.defaultdict(list)
        for outcome in outcomes:
            for name, messages in outcome.failed.items():
                found[self.cause(name, messages)].append((name, messages))
        return found

    def judge(self, outcomes, complete):
        """What is wrong: failures without a cause, and names in `expected.toml` that do not fail."""
        complaints = [f"not explained: {name}: {messages[0]}" for name, messages in self.by_cause(outcomes)[None]]
        failed = {name for outcome in outcomes for name in outcome.failed}
        passed = {name for outcome in outcomes for name in outcome.passed()}
        modules = {outcome.module for outcome in outcomes}
        for pattern in (pattern for cause in self.causes for pattern in cause.tests):
            complaints += [f"passes: {name}: `{pattern}` explains why it fails" for name in passed if matches(pattern, name)]
            known = complete or pattern.split(".")[0] in modules
            if known and not any(matches(pattern, name) for name in failed):
                complaints.append(f"nothing fails that is called `{pattern}`")
        return complaints
