"""What becomes of a value that JSON does not know; `shim/json.c` writes the rest."""

import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import uuid
from collections import deque
from collections.abc import ItemsView, KeysView, Mapping, ValuesView


class Inexpressible(Exception):
    """`(class, message)`: the error to raise, when `shim/json.c` has put the place in front of the message."""


_TEXTS = (decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.PurePath)
_TIMES = (datetime.date, datetime.time)
_ARRAYS = (deque, range, KeysView, ValuesView, ItemsView)

_INSTEAD = {
    bytes: "decode it, or encode it with base64",
    bytearray: "decode it, or encode it with base64",
    complex: "give its parts",
    datetime.timedelta: "give its total_seconds()",
}


def plain(value):
    """A value that is one step nearer to JSON."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, _ARRAYS):
        return list(value)
    if isinstance(value, _TIMES):
        return value.isoformat()
    if isinstance(value, _TEXTS):
        return str(value)
    instead = _INSTEAD.get(type(value), "use dicts, lists, texts and numbers")
    raise Inexpressible(TypeError, f"is of type `{type(value).__name__}`, which JSON cannot express: {instead}")


def key_text(key):
    """The text of a key that is no text."""
    if isinstance(key, enum.Enum):
        return str(key.value)
    if isinstance(key, float):
        return repr(float(key))
    if isinstance(key, _TIMES):
        return key.isoformat()
    if isinstance(key, _TEXTS):
        return str(key)
    raise Inexpressible(TypeError, f"is a key of type `{type(key).__name__}`, which JSON cannot express: make it a text")
