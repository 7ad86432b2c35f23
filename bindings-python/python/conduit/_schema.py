"""JSON Schemas from type hints, and values of those types from JSON. With pydantic installed it does all of this."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Callable, Literal, Optional, Union

from ._errors import ConduitError

try:
    from pydantic import TypeAdapter
except ImportError:
    TypeAdapter = None  # type: ignore[assignment, misc]

Schema = dict[str, Any]
Build = Callable[[Any], Any]
_UNIONS = (Union, getattr(types, "UnionType", Union))
_SIMPLE: dict[Any, Schema] = {
    Any: {},
    object: {},
    None: {"type": "null"},
    type(None): {"type": "null"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    dict: {"type": "object"},
    Mapping: {"type": "object"},
    list: {"type": "array"},
    tuple: {"type": "array"},
    Sequence: {"type": "array"},
}


@dataclasses.dataclass(frozen=True)
class Signature:
    """What a function takes and gives, as schemas, and how its arguments are built from JSON."""

    input_schema: Schema
    output_schema: Optional[Schema]
    builders: dict[str, Build]

    @staticmethod
    def of(function: Callable[..., Any], tool: str) -> Signature:
        """Reads a function's type hints."""
        try:
            signature = inspect.signature(function)
            hints = _hints(function)
            return _read(signature, hints, tool)
        except Exception as error:
            message = f"the parameters of tool `{tool}` cannot be read, expected type hints or `input_schema`: {error}"
            raise ConduitError(message, "invalid_config") from error

    def build(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as the function's types."""
        return {
            name: self.builders[name](value) if name in self.builders else value for name, value in arguments.items()
        }


def _hints(function: Any) -> dict[str, Any]:
    inner = getattr(function, "func", function)
    if not (inspect.isroutine(inner) or inspect.isclass(inner)):
        inner = type(inner).__call__
    return typing.get_type_hints(inner, include_extras=True)


def _read(signature: inspect.Signature, hints: dict[str, Any], tool: str) -> Signature:
    properties: dict[str, Schema] = {}
    required: list[str] = []
    types_of: dict[str, Any] = {}
    open_ended = False
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            open_ended = True
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(f"parameter `{name}` is positional-only, expected one that has a name")
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            types_of[name] = hints.get(name, Any)
            if parameter.default is parameter.empty:
                required.append(name)
    schemas, definitions, builders = _pydantic(types_of) if TypeAdapter is not None else _plain(types_of)
    for name, hint in types_of.items():
        properties[name] = dict(schemas[name])
        if (text := _described(hint)) is not None:
            properties[name].setdefault("description", text)
        default = signature.parameters[name].default
        if isinstance(default, (str, int, float, bool)) and not isinstance(default, enum.Enum):
            properties[name]["default"] = default
    schema: Schema = {"type": "object", "properties": properties, "required": required}
    if not open_ended:
        schema["additionalProperties"] = False
    if definitions:
        schema["$defs"] = definitions
    return Signature(schema, _output(hints.get("return", Any)), builders)


def _described(hint: Any) -> Optional[str]:
    """The first text of `Annotated[..., "text"]`."""
    texts = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, str)]
    return texts[0] if texts else None


def _output(hint: Any) -> Optional[Schema]:
    """The schema of what a function gives, when that is an object."""
    if TypeAdapter is not None:
        schema: Schema = TypeAdapter(hint).json_schema(mode="serialization")
    else:
        schemas, definitions, _ = _plain({"return": hint})
        schema = {**schemas["return"], **({"$defs": definitions} if definitions else {})}
    target = schema
    if "$ref" in schema:
        target = schema["$defs"][schema["$ref"].rpartition("/")[2]]
        # MCP wants the type at the top.
        schema = {**target, "$defs": schema["$defs"]}
    return schema if target.get("type") == "object" else None


def _pydantic(types_of: dict[str, Any]) -> tuple[dict[str, Schema], Schema, dict[str, Build]]:
    adapters = {name: TypeAdapter(hint) for name, hint in types_of.items()}
    found, rest = TypeAdapter.json_schemas(
        [(name, "validation", adapter) for name, adapter in adapters.items()]
    )
    schemas = {name: found[name, "validation"] for name in adapters}
    return schemas, rest.get("$defs", {}), {name: adapter.validate_python for name, adapter in adapters.items()}


def _plain(types_of: dict[str, Any]) -> tuple[dict[str, Schema], Schema, dict[str, Build]]:
    definitions: Schema = {}
    read = {name: _of(hint, definitions) for name, hint in types_of.items()}
    return {name: it[0] for name, it in read.items()}, definitions, {name: it[1] for name, it in read.items()}


def _same(value: Any) -> Any:
    return value


def _of(hint: Any, definitions: Schema) -> tuple[Schema, Build]:
    """The schema of one type, and what makes its value from JSON."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, typing.TypeVar):
        return {}, _same
    if origin is Annotated:
        schema, build = _of(arguments[0], definitions)
        text = _described(hint)
        return ({**schema, "description": text} if text else schema), build
    if origin is Literal:
        return {"enum": [_literal(value) for value in arguments]}, _same
    if origin in _UNIONS:
        return _union([_of(argument, definitions) for argument in arguments], arguments)
    if origin is tuple:
        return _tuple(arguments, definitions)
    if origin is not None and isinstance(origin, type):
        if issubclass(origin, Mapping):
            schema, build = _of(arguments[1] if len(arguments) == 2 else Any, definitions)
            return {"type": "object", "additionalProperties": schema}, lambda value: {
                key: build(item) for key, item in value.items()
            }
        if issubclass(origin, Sequence):
            schema, build = _of(arguments[0], definitions)
            return {"type": "array", "items": schema}, lambda value: [build(item) for item in value]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [_literal(member.value) for member in hint]}, hint
    if isinstance(hint, type) and (dataclasses.is_dataclass(hint) or hasattr(hint, "__total__")):
        return _record(hint, definitions)
    try:
        return dict(_SIMPLE[hint]), tuple if hint is tuple else _same
    except (KeyError, TypeError):
        raise TypeError(f"type `{hint}` has no JSON Schema") from None


def _literal(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def _tuple(arguments: tuple[Any, ...], definitions: Schema) -> tuple[Schema, Build]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        schema, build = _of(arguments[0], definitions)
        return {"type": "array", "items": schema}, lambda value: tuple(build(item) for item in value)
    items = [_of(argument, definitions) for argument in arguments if argument != ()]
    schema = {"type": "array", "prefixItems": [it[0] for it in items], "minItems": len(items), "maxItems": len(items)}
    return schema, lambda value: tuple(it[1](item) for it, item in zip(items, value))


def _union(members: list[tuple[Schema, Build]], hints: tuple[Any, ...]) -> tuple[Schema, Build]:
    def build(value: Any) -> Any:
        for (_, build_member), hint in zip(members, hints):
            if value is None and hint is not type(None):
                continue
            try:
                return build_member(value)
            except (TypeError, ValueError, KeyError, AttributeError):
                continue
        return value

    return {"anyOf": [schema for schema, _ in members]}, build


def _record(hint: Any, definitions: Schema) -> tuple[Schema, Build]:
    """A dataclass or a TypedDict; its definition stands aside, as it may refer to itself."""
    name = hint.__name__
    schema = {"$ref": f"#/$defs/{name}"}
    builders: dict[str, Build] = {}
    is_dataclass = dataclasses.is_dataclass(hint)

    def build(value: Any) -> Any:
        built = {key: builders[key](item) if key in builders else item for key, item in value.items()}
        return hint(**built) if is_dataclass else built

    if name in definitions:
        # Its own or that of the same record elsewhere: built by a reading of its own.
        return schema, lambda value: _of(hint, {})[1](value)
    definition: Schema = {"type": "object"}
    definitions[name] = definition
    hints = typing.get_type_hints(hint, include_extras=True)
    if is_dataclass:
        fields = [field for field in dataclasses.fields(hint) if field.init]
        missing = dataclasses.MISSING
        required = [f.name for f in fields if f.default is missing and f.default_factory is missing]
        hints = {field.name: hints[field.name] for field in fields}
    else:
        required = [key for key in hints if key in hint.__required_keys__]
    properties = {}
    for key, inner in hints.items():
        if getattr(typing.get_origin(inner), "__name__", getattr(typing.get_origin(inner), "_name", "")) in (
            "Required",
            "NotRequired",
        ):
            inner = typing.get_args(inner)[0]
        properties[key], builders[key] = _of(inner, definitions)
    definition.update(properties=properties, required=required, additionalProperties=False)
    return schema, build
