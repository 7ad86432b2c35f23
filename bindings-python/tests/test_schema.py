"""Schemas from type hints, without pydantic."""

import dataclasses
import enum
import sys
import unittest
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Dict, List, Literal, Optional, Tuple, TypedDict, Union

from conduit import ConduitError, Runtime, tool

ALL = {"allow": ["host.*"]}


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(TypedDict):
    city: Annotated[str, "Its name."]


class Partial(Place, total=False):
    country: str


class Nested(TypedDict):
    children: List["Nested"]


@dataclasses.dataclass
class Point:
    x: int


class Schemas(unittest.TestCase):
    def test_pydantic_is_not_here(self):
        self.assertNotIn("pydantic", sys.modules)

    def check(self, hint, schema, given=None):
        """The schema of a parameter of this type; and, if `given`, that the function gets it as it is."""
        seen = []

        def it(p):
            seen.append(p)

        it.__annotations__ = {"p": hint}
        with Runtime(policy=ALL, tools=[it]) as runtime:
            (listed,) = runtime.tools()
            expected = {"type": "object", "properties": {"p": schema}, "required": ["p"], "additionalProperties": False}
            self.assertEqual(listed.input_schema, expected)
            if given is not None:
                code = "await call_tool('host.it', {'p': input})"
                runtime.execute(code, language="python", input=given).raise_for_outcome()
                self.assertEqual(seen, [given])

    def test_simple_types(self):
        for hint, schema in (
            (str, {"type": "string"}),
            (int, {"type": "integer"}),
            (float, {"type": "number"}),
            (bool, {"type": "boolean"}),
            (None, {"type": "null"}),
            (dict, {"type": "object"}),
            (list, {"type": "array"}),
            (Mapping, {"type": "object"}),
            (Sequence, {"type": "array"}),
            (Any, {}),
            (object, {}),
            (Literal["a", 1], {"enum": ["a", 1]}),
            (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
            (Union[str, List[str]], {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
            (Annotated[int, "How many."], {"type": "integer", "description": "How many."}),
        ):
            self.check(hint, schema)

    def test_collections(self):
        whole = {"type": "integer"}
        for hint in (List[int], list[int], Sequence[int]):
            self.check(hint, {"type": "array", "items": whole}, given=[1])
        for hint in (Dict[str, int], dict[str, int], Mapping[str, int]):
            self.check(hint, {"type": "object", "additionalProperties": whole}, given={"a": 1})

    def test_typed_dicts(self):
        place = {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Its name."}, "country": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        }
        self.check(Partial, place, given={"city": "Bern"})

    def test_objects_that_are_given_have_a_schema(self):
        def output(hint):
            def it():
                return None

            it.__annotations__ = {"return": hint}
            with Runtime(policy=ALL, tools=[it]) as runtime:
                return runtime.tools()[0].output_schema

        for hint in (int, None, str, List[int], Any, Optional[dict], Tuple[int, str], Point, Nested):
            self.assertIsNone(output(hint))
        self.assertEqual(output(dict), {"type": "object"})
        place = output(Place)
        self.assertEqual((place["type"], place["required"], place["additionalProperties"]), ("object", ["city"], False))

    def test_a_type_that_must_be_built_needs_pydantic(self):
        kinds = (complex, Color, Literal[Color.RED], Point, Optional[Point], Tuple[int, str], tuple, Dict[int, str])
        for hint in kinds:

            def it(p):
                return p

            it.__annotations__ = {"p": hint}
            with self.assertRaises(ConduitError) as raised:
                Runtime(tools=[it])
            self.assertEqual(raised.exception.code, "invalid_config")
            words = "the parameters of tool `it` cannot be read, expected type hints or `input_schema`: type `"
            self.assertTrue(str(raised.exception).startswith(words), str(raised.exception))
            words = "` has no JSON Schema without pydantic, install that or give `input_schema`"
            self.assertTrue(str(raised.exception).endswith(words), str(raised.exception))
            Runtime(tools=[tool(input_schema=False)(it)])
