"""Schemas and arguments, with pydantic."""

import dataclasses
import datetime
import enum
import unittest
from typing import Annotated, Any, Optional

from pydantic import BaseModel, ConfigDict, Field, Strict

from conduit import ConduitError, Runtime

ALL = {"allow": ["host.*"]}


class Place(BaseModel):
    city: str = Field(min_length=2)
    seen: Optional[datetime.date] = None


class Color(enum.Enum):
    RED = "red"


class Exact(BaseModel):
    model_config = ConfigDict(strict=True)
    when: datetime.date
    seen: "set[int]"
    raw: bytes


@dataclasses.dataclass
class Trip:
    places: "list[Place]"


@dataclasses.dataclass
class Node:
    name: str
    children: "list[Node]" = dataclasses.field(default_factory=list)
    color: Color = Color.RED


class Pydantic(unittest.TestCase):
    def call(self, function: Any, arguments: str) -> Any:
        with Runtime(policy=ALL, tools=[function]) as runtime:
            self.tool = runtime.tools()[0]
            code = f"try {{ return await tools.host.it({arguments}) }} catch (e) {{ return [e.code, e.message] }}"
            return runtime.execute(code, language="typescript").value

    def test_models_are_built_and_given(self) -> None:
        def it(place: Place, trip: Trip, color: Color, when: datetime.date) -> Place:
            return place.model_copy(update={"seen": when, "city": trip.places[0].city + color.name})

        trip = "{ places: [{ city: 'Chur' }] }"
        arguments = f"{{ place: {{ city: 'Bern' }}, trip: {trip}, color: 'red', when: '2026-01-02' }}"
        self.assertEqual(self.call(it, arguments), {"city": "ChurRED", "seen": "2026-01-02"})
        self.assertEqual(sorted(self.tool.input_schema["$defs"]), ["Color", "Place", "Trip"])
        city = {"minLength": 2, "title": "City", "type": "string"}
        self.assertEqual(self.tool.output_schema["properties"]["city"], city)

    def test_what_json_does_not_have_is_built(self) -> None:
        def it(tree: Optional[Node], pair: tuple[int, Color]) -> Node:
            assert tree == Node("a", [Node("b")]) and pair == (1, Color.RED)
            return tree

        tree = "{ name: 'a', children: [{ name: 'b', color: 'red' }] }"
        value = {"name": "a", "children": [{"name": "b", "children": [], "color": "red"}], "color": "red"}
        self.assertEqual(self.call(it, f"{{ tree: {tree}, pair: [1, 'red'] }}"), value)
        self.assertEqual(self.call(it, f"{{ tree: {tree}, pair: [1, 'blue'] }}")[0], "invalid_arguments")
        self.assertEqual((self.tool.output_schema["type"], self.tool.output_schema["required"]), ("object", ["name"]))

    def test_arguments_are_read_as_json_even_where_types_are_strict(self) -> None:
        def it(exact: Exact, when: Annotated[datetime.date, Strict()], **rest: Any) -> dict[str, Any]:
            assert exact == Exact(when=when, seen={1, 2}, raw=b"x")
            return {"when": when.isoformat(), **rest}

        exact = "{ when: '2026-01-02', seen: [1, 2], raw: 'x' }"
        arguments = f"{{ exact: {exact}, when: '2026-01-02', 'b-c': [{{ d: 1 }}] }}"
        self.assertEqual(self.call(it, arguments), {"when": "2026-01-02", "b-c": [{"d": 1}]})

    def test_constraints_are_checked_before_the_call(self) -> None:
        def it(place: Place, n: Annotated[int, Field(ge=1), "How many."] = 1) -> int:
            return n

        self.assertEqual(self.call(it, "{ place: { city: 'x' } }")[0], "invalid_arguments")
        self.assertEqual(self.call(it, "{ place: { city: 'xy' }, n: 0 }")[0], "invalid_arguments")
        self.assertEqual(self.call(it, "{ place: { city: 'xy' }, n: 2 }"), 2)
        properties = {"type": "integer", "minimum": 1, "description": "How many.", "default": 1}
        self.assertEqual(self.tool.input_schema["properties"]["n"], properties)

    def test_a_type_without_a_schema_is_refused(self) -> None:
        class Strange:
            pass

        def it(p: Strange) -> None:
            return None

        it.__annotations__["p"] = Strange
        with self.assertRaises(ConduitError) as raised:
            Runtime(tools=[it])
        self.assertEqual(raised.exception.code, "invalid_config")
