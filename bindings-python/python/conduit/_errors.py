"""What is raised when something is to be mended. What `raise_for_outcome` raises is in `_result`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from ._types import ErrorCode


@dataclass(eq=False, repr=False)
class Told(Exception):
    """An exception that has fields, and `message` as its text."""

    message: str

    def __post_init__(self) -> None:
        # What pickling gives to the class again, which by itself would be the positional arguments alone.
        self.args = tuple(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        return self.message


@dataclass(eq=False, repr=False)
class ConduitError(Told):
    """Something that the caller or the operator must mend; `code` says whose turn it is.

    A program that throws, breaks a limit or is cancelled raises nothing: that is the result's `outcome`.
    """

    code: ErrorCode = "internal"
    #: The id of the upstream that the error is about.
    upstream: Optional[str] = None
    #: Whether nothing was done, and the same request may succeed later without a change.
    retryable: bool = False

    @classmethod
    def _from_json(cls, data: Any) -> ConduitError:
        return cls(data["message"], data["code"], data["upstream"], data["retryable"])
