"""What crosses the boundary: JSON, and nothing that JSON cannot say."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any

from ._errors import ConduitError
from ._types import ErrorCode, Limits

loads = json.loads


def _plain(value: object) -> Any:
    """What `json` does not know, and JSON can say."""
    if isinstance(value, Limits):
        return value._to_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return dump(mode="json", by_alias=True)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_encoder = json.JSONEncoder(allow_nan=False, default=_plain, separators=(",", ":"))
#: The JSON of a value. Raises `TypeError`, `ValueError` or `RecursionError` when there is none.
dumps = _encoder.encode


def present(kind: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that are not `None`. Raises `TypeError` for one that is none of `kind`, a `TypedDict`."""
    for name in options.keys() - kind.__annotations__.keys():
        raise TypeError(f"`{name}` is no option, expected one of: {', '.join(kind.__annotations__)}")
    return {name: value for name, value in options.items() if value is not None}


def dumps_given(value: object, what: str, code: ErrorCode) -> str:
    """The JSON of what somebody gave. Raises `ConduitError` with this code when there is none."""
    try:
        return dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConduitError(f"{what} is no JSON: {error}", code) from error
