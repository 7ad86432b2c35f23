"""Conduit for smolagents: tools as the host tools of one tool `execute`, for a `ToolCallingAgent` or a `CodeAgent`.

    from conduit.smolagents import code_mode

    with code_mode([orders, refund]) as mode:
        agent = ToolCallingAgent(tools=mode.tools, model=model)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from smolagents import FinalAnswerTool, Tool
from smolagents.models import get_tool_json_schema
from smolagents.tools import validate_tool_arguments

from ._code_mode import CODE, CodeMode, InnerTool, Options, Programs, refused

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Execute(Tool):  # type: ignore[misc]
    """The tool `execute`."""

    inputs = {"code": {"type": "string", "description": CODE}}
    output_type = "object"

    def __init__(self, programs: Programs) -> None:
        self.name = programs.name
        self.description = programs.description
        self._programs = programs
        super().__init__()

    def forward(self, code: str) -> dict[str, Any]:
        """Runs one program."""
        return self._programs.run(code)


def code_mode(tools: Sequence[Tool], **options: Unpack[Options]) -> CodeMode[Tool]:
    """Makes tools the host tools of one tool `execute`.

    Each call runs on a thread of its own, with the contextvars of the `execute` that it belongs to. Ctrl-C ends the
    program. Raises `ConduitError` for a tool that only the agent can serve, or that takes or gives what is no JSON.
    """
    programs = Programs([_inner_tool(tool) for tool in tools], **options)
    return CodeMode([Execute(programs)], programs)


def _inner_tool(tool: Tool) -> InnerTool:
    if not isinstance(tool, Tool):
        raise refused(getattr(tool, "name", type(tool).__name__), "it is an agent or no tool at all, expected a `Tool`")
    if isinstance(tool, FinalAnswerTool):
        raise refused(tool.name, "it ends the agent's run, which only the agent can do")
    if tool.output_type in ("image", "audio"):
        raise refused(tool.name, f"it gives `{tool.output_type}`, which is no JSON")
    for name, schema in tool.inputs.items():
        if {"image", "audio"}.intersection([schema["type"]] if isinstance(schema["type"], str) else schema["type"]):
            raise refused(tool.name, f"its argument `{name}` is `{schema['type']}`, which is no JSON")

    def call(arguments: dict[str, Any], _: Any) -> Any:
        validate_tool_arguments(tool, arguments)
        return tool(**arguments)

    return InnerTool(tool.name, tool.description, _schema(tool), call, output_schema=tool.output_schema)


def _schema(tool: Tool) -> dict[str, Any]:
    schema: dict[str, Any] = get_tool_json_schema(tool)["function"]["parameters"]
    for name, given in tool.inputs.items():
        found = schema["properties"][name]
        # smolagents writes `any` as a string for providers, and `nullable` as a key that JSON Schema does not have.
        if given["type"] == "any":
            del found["type"]
        elif found.pop("nullable", False):
            types = found["type"] if isinstance(found["type"], list) else [found["type"]]
            found["type"] = list(dict.fromkeys([*types, "null"]))
    return schema
