"""The result of an execution, and what is raised when it is not the one that was hoped for."""

from __future__ import annotations

from typing import cast

from . import _types
from ._errors import Cancelled, LimitExceeded, ProgramFailed
from ._json import loads


class ExecutionResult(_types.ExecutionResult):
    """How an execution ended, and everything that it produced until then."""

    def raise_for_outcome(self) -> None:
        """Raises `ProgramFailed`, `LimitExceeded` or `Cancelled` unless the program completed."""
        outcome = self.outcome
        if outcome.status == "failed":
            raise ProgramFailed(f"{outcome.error.name}: {outcome.error.message}", self, outcome.error)
        if outcome.status == "limit_exceeded":
            raise LimitExceeded(outcome.message, self, outcome.limit)
        if outcome.status == "cancelled":
            raise Cancelled("the execution was cancelled", self)


def read_result(text: str) -> ExecutionResult:
    """The result that `text` is."""
    return cast(ExecutionResult, ExecutionResult._from_json(loads(text)))
