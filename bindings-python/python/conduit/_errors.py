"""What is raised: `ConduitError` when something is to be mended, `ExecutionError` by `raise_for_outcome`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from ._result import ExecutionResult
    from ._types import ErrorCode, GuestError, Limit


class ConduitError(Exception):
    """Something that the caller or the operator must mend; `code` says whose turn it is.

    A program that throws, breaks a limit or is cancelled raises nothing: that is the result's `outcome`.
    """

    code: ErrorCode
    #: The id of the upstream that the error is about.
    upstream: Optional[str]
    #: Whether nothing was done, and the same request may succeed later without a change.
    retryable: bool

    def __init__(
        self, message: str, code: ErrorCode = "internal", upstream: Optional[str] = None, retryable: bool = False
    ) -> None:
        super().__init__(message, code, upstream, retryable)
        self.code = code
        self.upstream = upstream
        self.retryable = retryable

    def __str__(self) -> str:
        return str(self.args[0])

    @classmethod
    def _from_json(cls, data: Any) -> ConduitError:
        return cls(data["message"], data["code"], data["upstream"], data["retryable"])


class ExecutionError(Exception):
    """A program that did not complete. `result` has what it had produced."""

    result: ExecutionResult

    def __init__(self, message: str, result: ExecutionResult) -> None:
        super().__init__(message, result)
        self.result = result

    def __str__(self) -> str:
        return str(self.args[0])


class ProgramFailed(ExecutionError):
    """The program threw, or is not a program. `error` is what it threw, in positions of its own source."""

    error: GuestError

    def __init__(self, message: str, result: ExecutionResult, error: GuestError) -> None:
        super().__init__(message, result)
        self.args = (message, result, error)
        self.error = error


class LimitExceeded(ExecutionError):
    """The program broke the limit `limit`."""

    limit: Limit

    def __init__(self, message: str, result: ExecutionResult, limit: Limit) -> None:
        super().__init__(message, result)
        self.args = (message, result, limit)
        self.limit = limit


class Cancelled(ExecutionError):
    """The execution was cancelled."""
