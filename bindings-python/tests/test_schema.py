"""Schemas from type hints, and arguments of those types, without pydantic."""

import dataclasses
import enum
import sys
import unittest
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Dict, List, Literal, Optional, Tuple, TypedDict, Union

from conduit import Runtime

ALL = {"allow": ["host.*"]}


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(TypedDict):
    city: Annotated[str, "Its name."]


class Partial(Place, total=False):
    country: str


@dataclasses.dataclass
class Node:
    name: str
    children: List["Node"] = dataclasses.field(default_factory=list)
    color: Color = Color.RED


class Schemas(unittest.TestCase):
    def test_pydantic_is_not_here(self):
        self.assertNotIn("pydantic", sys.modules)

    def check(self, hint, schema, definitions=None, given=None, got=None):
        """The schema of a parameter of this type; and, if `given`, what the function is called with for it."""
        seen = []

        def it(p):
            seen.append(p)

        it.__annotations__ = {"p": hint}
        with Runtime(policy=ALL, tools=[it]) as runtime:
            (tool,) = runtime.tools()
            self.assertEqual(tool.input_schema["properties"]["p"], schema)
            self.assertEqual(tool.input_schema["required"], ["p"])
            self.assertEqual(tool.input_schema.get("$defs"), definitions)
            if given is not None:
                code = "await call_tool('host.it', {'p': input})"
                runtime.execute(code, language="python", input=given).raise_for_outcome()
                self.assertEqual(seen, [got])
                self.assertIs(type(seen[0]), type(got))

    def test_simple_types(self):
        for hint, schema in (
            (str, {"type": "string"}),
            (int, {"type": "integer"}),
            (float, {"type": "number"}),
            (bool, {"type": "boolean"}),
            (None, {"type": "null"}),
            (dict, {"type": "object"}),
            (list, {"type": "array"}),
            (Any, {}),
            (object, {}),
            (Literal["a", 1], {"enum": ["a", 1]}),
            (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
            (Annotated[int, "How many."], {"type": "integer", "description": "How many."}),
        ):
            self.check(hint, schema)

    def test_collections(self):
        whole = {"type": "integer"}
        for hint in (List[int], list[int], Sequence[int]):
            self.check(hint, {"type": "array", "items": whole}, given=[1], got=[1])
        for hint in (Dict[str, int], dict[str, int], Mapping[str, int]):
            self.check(hint, {"type": "object", "additionalProperties": whole}, given={"a": 1}, got={"a": 1})
        pair = {"type": "array", "prefixItems": [whole, {"type": "string"}], "minItems": 2, "maxItems": 2}
        self.check(Tuple[int, str], pair, given=[1, "a"], got=(1, "a"))
        self.check(tuple[int, ...], {"type": "array", "items": whole}, given=[1, 2], got=(1, 2))
        self.check(tuple, {"type": "array"}, given=[1, 2], got=(1, 2))

    def test_classes_are_built(self):
        self.check(Color, {"enum": ["red", "blue"]}, given="blue", got=Color.BLUE)
        self.check(Union[Color, int], {"anyOf": [{"enum": ["red", "blue"]}, {"type": "integer"}]}, given=3, got=3)
        node = {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                "color": {"enum": ["red", "blue"]},
            },
            "required": ["name"],
            "additionalProperties": False,
        }
        tree = {"name": "a", "children": [{"name": "b", "children": [{"name": "c", "color": "blue"}]}]}
        built = Node("a", [Node("b", [Node("c", color=Color.BLUE)])])
        self.check(Node, {"$ref": "#/$defs/Node"}, {"Node": node}, tree, built)
        self.check(Optional[Node], {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}, {"Node": node}, tree, built)

    def test_typed_dicts(self):
        place = {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Its name."}, "country": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        }
        self.check(Partial, {"$ref": "#/$defs/Partial"}, {"Partial": place}, {"city": "Bern"}, {"city": "Bern"})

    def test_objects_that_are_given_have_a_schema(self):
        def output(hint):
            def it():
                return None

            it.__annotations__ = {"return": hint}
            with Runtime(policy=ALL, tools=[it]) as runtime:
                return runtime.tools()[0].output_schema

        for hint in (int, None, str, List[int], Any, Optional[dict]):
            self.assertIsNone(output(hint))
        self.assertEqual(output(dict), {"type": "object"})
        place = output(Place)
        self.assertEqual((place["type"], place["required"], place["additionalProperties"]), ("object", ["city"], False))

    def test_a_type_without_a_schema_is_refused(self):
        def it(p: complex):
            return p

        with self.assertRaises(Exception) as raised:
            Runtime(tools=[it])
        words = "the parameters of tool `it` cannot be read, expected type hints or `input_schema`: "
        self.assertEqual(str(raised.exception), words + "type `<class 'complex'>` has no JSON Schema")
