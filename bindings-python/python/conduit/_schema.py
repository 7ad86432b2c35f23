"""JSON Schemas from type hints: pydantic's, and it builds the arguments. Without it there are those of plain hints.

A hint is plain when its values are what JSON has already, so that nothing is to be built.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Callable, Literal, NamedTuple, Optional, Union

from ._errors import ConduitError
from ._json import loads

try:
    import typing_extensions
    from pydantic import TypeAdapter
except ImportError:
    TypeAdapter = None  # type: ignore[assignment, misc]

Schema = dict[str, Any]
#: Makes of the arguments, as JSON, those that a function is called with.
Reader = Callable[[str], dict[str, Any]]
_UNIONS = (Union, getattr(types, "UnionType", Union))
_SIMPLE = {
    None: "null",
    type(None): "null",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}


class Signature(NamedTuple):
    """What a function takes and gives, as schemas, and how its arguments are read."""

    input_schema: Optional[Schema]
    output_schema: Optional[Schema]
    read: Reader

    @staticmethod
    def of(function: Callable[..., Any], tool: str) -> Signature:
        """Reads a function's type hints."""
        try:
            hints = _hints(function)
            schema, read = _input(inspect.signature(function), hints)
            return Signature(schema, _output(hints.get("return", Any)), read)
        except Exception as error:
            message = f"the parameters of tool `{tool}` cannot be read, expected type hints or `input_schema`: {error}"
            raise ConduitError(message, "invalid_config") from error


def _hints(function: Any) -> dict[str, Any]:
    inner = getattr(function, "func", function)
    if not (inspect.isroutine(inner) or inspect.isclass(inner)):
        inner = type(inner).__call__
    return typing.get_type_hints(inner, include_extras=True)


def _input(signature: inspect.Signature, hints: dict[str, Any]) -> tuple[Schema, Reader]:
    named = {}
    schema: Schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            del schema["additionalProperties"]
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(f"parameter `{name}` is positional-only, expected one that has a name")
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            named[name] = hints.get(name, Any)
            if parameter.default is parameter.empty:
                schema["required"].append(name)
    read: Reader = loads
    if TypeAdapter is None:
        schema["properties"] = {name: _plain(hint) for name, hint in named.items()}
    else:
        read = _reader(named)
        found, rest = TypeAdapter.json_schemas(
            [(name, "validation", TypeAdapter(hint)) for name, hint in named.items()]
        )
        # Pydantic knows no texts of `Annotated`.
        schema["properties"] = {name: {**_text(hint), **found[name, "validation"]} for name, hint in named.items()}
        schema.update(rest)
    for name, described in schema["properties"].items():
        default = signature.parameters[name].default
        if type(default) in (str, int, float, bool):
            described["default"] = default
    return schema, read


def _reader(named: dict[str, Any]) -> Reader:
    """Has pydantic build the arguments from JSON, of which strict types too take a text for a date, or a list for a set."""
    make: Any = typing_extensions.TypedDict
    arguments = make("arguments", named, total=False)
    # Those that the signature does not name, if it takes any, are as JSON has them.
    arguments.__pydantic_config__ = {"extra": "allow"}
    read: Reader = TypeAdapter(arguments).validate_json
    return read


def _output(hint: Any) -> Optional[Schema]:
    """The schema of what a function gives, when that is an object."""
    if TypeAdapter is None:
        try:
            schema = _plain(hint)
        except (TypeError, RecursionError):
            return None  # what is given need not be built, so nothing is amiss
    else:
        schema = TypeAdapter(hint).json_schema(mode="serialization")
        if "$ref" in schema:
            # MCP wants the type at the top.
            schema = {**schema["$defs"][schema["$ref"].rpartition("/")[2]], "$defs": schema["$defs"]}
    return schema if schema.get("type") == "object" else None


def _text(hint: Any) -> Schema:
    """The first text of `Annotated[..., "text"]`."""
    texts = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, str)]
    return {"description": texts[0]} if texts else {}


def _plain(hint: Any) -> Schema:
    """The schema of a plain hint."""
    origin, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is Annotated:
        return {**_plain(arguments[0]), **_text(hint)}
    if origin is Literal and all(type(value) in _SIMPLE for value in arguments):
        return {"enum": list(arguments)}
    if origin in _UNIONS:
        return {"anyOf": [_plain(argument) for argument in arguments]}
    if origin in (list, Sequence):
        return {"type": "array", **({"items": _plain(arguments[0])} if arguments else {})}
    if origin in (dict, Mapping) and (not arguments or arguments[0] in (str, Any)):
        return {"type": "object", **({"additionalProperties": _plain(arguments[1])} if arguments else {})}
    if hasattr(hint, "__total__"):  # a TypedDict
        hints = typing.get_type_hints(hint, include_extras=True)
        properties = {key: _plain(inner) for key, inner in hints.items()}
        required = [key for key in hints if key in hint.__required_keys__]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    if hint in (Any, object):
        return {}
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    raise TypeError(f"type `{hint}` has no JSON Schema without pydantic, install that or give `input_schema`")
