"""The result of an execution, and what is raised when it is not the one that was hoped for."""

from __future__ import annotations

from dataclasses import dataclass

from . import _types
from ._errors import Told


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


@dataclass(eq=False, repr=False)
class ExecutionError(Told):
    """A program that did not complete. `result` has what it had produced."""

    result: ExecutionResult


@dataclass(eq=False, repr=False)
class ProgramFailed(ExecutionError):
    """The program threw, or is not a program. `error` is what it threw, in positions of its own source."""

    error: _types.GuestError


@dataclass(eq=False, repr=False)
class LimitExceeded(ExecutionError):
    """The program broke the limit `limit`."""

    limit: _types.Limit


class Cancelled(ExecutionError):
    """The execution was cancelled."""
