"""Conduit for LangGraph: tools of a graph as the host tools of one tool `execute`, for a `ToolNode`.

    from conduit.langgraph import code_mode

    with code_mode([orders, refund]) as mode:
        model = model.bind_tools(mode.tools)
        graph.add_node("tools", ToolNode(mode.tools))

The graph's state, its store and its runtime reach tools that ask for them, as they would from the `ToolNode` itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, Union

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import patch_config
from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.utils.pydantic import model_json_schema
from langgraph._internal._constants import CONFIG_KEY_SCRATCHPAD
from langgraph.errors import GraphBubbleUp
from langgraph.prebuilt import ToolNode, ToolRuntime
from langgraph.types import Command
from pydantic import BaseModel, Field

from ._code_mode import CODE, CodeMode, InnerTool, Options, Programs, refused
from ._errors import ConduitError
from ._json import dumps

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: A tool as LangChain takes it, or a function that becomes one.
ToolLike = Union[BaseTool, Callable[..., Any]]


def code_mode(tools: Sequence[ToolLike], **options: Unpack[Options]) -> CodeMode[BaseTool]:
    """Makes tools of a graph the host tools of one tool `execute`.

    Calls run with the config of the `execute` that they belong to: callbacks, tags, `configurable`, and in its task or
    with its contextvars. Raises `ConduitError` for a tool that only its caller can fill. A tool that asks a person by
    `interrupt` fails when it does: a program cannot be left and resumed.
    """
    return _code_mode(tools, True, options)


class Execute(BaseModel):
    """The arguments of `execute`."""

    code: str = Field(description=CODE)


class _Outer(NamedTuple):
    config: RunnableConfig
    runtime: Any


def _code_mode(tools: Sequence[ToolLike], injects: bool, options: Options) -> CodeMode[BaseTool]:
    node = ToolNode(tools)
    inner = [_inner_tool(tool, node, injects) for tool in node.tools_by_name.values()]
    programs = Programs(inner, **options)

    def outer(config: RunnableConfig, callbacks: Optional[BaseCallbackManager], runtime: Any) -> _Outer:
        # SECURITY: without a runtime nothing is injected, and what a program gives in its place would reach the tool.
        if injects and not isinstance(runtime, ToolRuntime):
            message = f"tool `{programs.name}` has no runtime, expected to be called by a `ToolNode`"
            raise ConduitError(message, "invalid_request")
        # The callbacks of this run of `execute` make those of its tools its children.
        return _Outer(patch_config(config, callbacks=callbacks), runtime)

    def run(code: str, config: RunnableConfig, callbacks: Any = None, runtime: Any = None) -> str:
        return dumps(programs.run(code, outer(config, callbacks, runtime)))

    async def arun(code: str, config: RunnableConfig, callbacks: Any = None, runtime: Any = None) -> str:
        return dumps(await programs.arun(code, outer(config, callbacks, runtime)))

    if injects:
        for function in (run, arun):
            function.__annotations__["runtime"] = ToolRuntime
    tool = StructuredTool(
        name=programs.name, description=programs.description, args_schema=Execute, func=run, coroutine=arun
    )
    return CodeMode([tool], programs)


def _inner_tool(tool: BaseTool, node: ToolNode, injects: bool) -> InnerTool:
    # What `ToolNode` itself goes by; there is no public way to ask.
    injected = node._injected_args[tool.name]
    filled = {*injected.state, injected.store, injected.runtime} if injects else set()
    # SECURITY: an argument that only the tool's caller fills is not the program's to give.
    for name in sorted((injected.all_injected_keys | tool._injected_args_keys) - filled):
        where = "" if injects else "; `conduit.langgraph` fills state, store and runtime"
        raise refused(tool.name, f"its argument `{name}` is injected, and programs inject nothing{where}")
    schema = tool.tool_call_schema

    def prepared(arguments: dict[str, Any], outer: _Outer) -> tuple[dict[str, Any], RunnableConfig]:
        config = _without_interrupts(outer.config, tool.name)
        if outer.runtime is None:
            return arguments, config
        call_id = outer.runtime.tool_call_id
        runtime = dataclasses.replace(outer.runtime, config=config)
        # This drops what a program gives for an injected argument.
        call: Any = {"name": tool.name, "args": arguments, "id": call_id, "type": "tool_call"}
        return node._inject_tool_args(call, runtime, tool)["args"], config

    def call(arguments: dict[str, Any], outer: _Outer) -> Any:
        try:
            return _value(tool.name, tool.invoke(*prepared(arguments, outer)))
        except GraphBubbleUp as error:
            raise _interrupted(tool.name) from error

    async def acall(arguments: dict[str, Any], outer: _Outer) -> Any:
        try:
            return _value(tool.name, await tool.ainvoke(*prepared(arguments, outer)))
        except GraphBubbleUp as error:
            raise _interrupted(tool.name) from error

    input_schema = schema if isinstance(schema, dict) else model_json_schema(schema)
    return InnerTool(tool.name, tool.description or None, input_schema, call, acall)


def _interrupted(tool: str) -> ConduitError:
    why = "asks a person (`interrupt`), and a program cannot wait for that: it did not run to its end"
    return ConduitError(f"tool `{tool}` {why}", "tool_failed")


def _without_interrupts(config: RunnableConfig, tool: str) -> RunnableConfig:
    """The config without the answers that people gave to the graph."""
    configurable = config.get("configurable", {})
    scratchpad = configurable.get(CONFIG_KEY_SCRATCHPAD)
    if scratchpad is None:
        return config

    def refuse() -> int:
        raise _interrupted(tool)

    # SECURITY: an answer that resumes the graph was given to another question; no tool within a program takes it.
    silent = dataclasses.replace(
        scratchpad, interrupt_counter=refuse, get_null_resume=lambda consume=False: None, resume=[]
    )
    return patch_config(config, configurable={CONFIG_KEY_SCRATCHPAD: silent})


def _value(tool: str, value: Any) -> Any:
    if isinstance(value, ToolMessage):
        return value.content
    if isinstance(value, Command) or (isinstance(value, list) and any(isinstance(item, Command) for item in value)):
        raise ConduitError(f"tool `{tool}` gave a `Command`, which only the graph can carry out", "tool_failed")
    return value
