"""Conduit for pydantic-ai: tools and toolsets as the host tools of one tool `execute`, which a toolset has.

    from conduit.pydantic_ai import code_mode

    mode = code_mode([orders, refund, toolset])
    agent = Agent(model, toolsets=[mode])
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from pydantic import TypeAdapter
from pydantic_ai import RunContext, Tool, ToolDefinition, ToolReturn
from pydantic_ai.exceptions import ApprovalRequired, CallDeferred
from pydantic_ai.messages import MULTI_MODAL_CONTENT_TYPES, ToolCallPart, tool_return_ta
from pydantic_ai.native_tools import AbstractNativeTool
from pydantic_ai.tool_manager import ToolManager
from pydantic_ai.toolsets import (
    AbstractToolset,
    ApprovalRequiredToolset,
    CombinedToolset,
    ExternalToolset,
    FunctionToolset,
    ToolsetTool,
    WrapperToolset,
)
from typing_extensions import TypedDict

from ._code_mode import SCHEMA, InnerTool, Options, Programs, refused
from ._errors import ConduitError
from ._json import dumps
from ._types import Limits

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: A tool, a function that becomes one, or a toolset.
ToolLike = Union[Tool[Any], AbstractToolset[Any], Callable[..., Any]]
#: Lists of tools that stay known: a toolset may list others for each step of a run.
KNOWN = 16


class _Arguments(TypedDict):
    code: str


_VALIDATOR: Any = TypeAdapter(_Arguments).validator


@dataclasses.dataclass(kw_only=True)
class _Execute(ToolsetTool[Any]):
    programs: Programs
    inner: dict[str, ToolsetTool[Any]]


class _Known:
    """What was made for the lists of tools that were seen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[str, Programs] = {}
        #: Those too that are no longer among the latest, for as long as somebody runs a program of them.
        self._alive: weakref.WeakSet[Programs] = weakref.WeakSet()
        self._closed = False

    def get(self, key: str) -> Optional[Programs]:
        with self._lock:
            return self._latest.get(key)

    def add(self, key: str, made: Programs) -> Programs:
        """What is known by this key from then on: what came first stays, and what came later is closed."""
        with self._lock:
            known = None if self._closed else self._latest.setdefault(key, made)
            if known is made:
                self._alive.add(made)
                if len(self._latest) > KNOWN:
                    self._latest.pop(next(iter(self._latest)))
        if known is not made:
            made.close()
        if known is None:
            raise ConduitError("the runtime is shut down", "shut_down")
        return known

    def close(self) -> list[Programs]:
        """Adds nothing more, and gives what is to be closed."""
        with self._lock:
            self._closed = True
            return list(self._alive)


@dataclasses.dataclass
class CodeMode(WrapperToolset[Any]):
    """A toolset with one tool, `execute`, whose programs call the tools of another toolset."""

    options: Options = dataclasses.field(default_factory=Options)
    _known: _Known = dataclasses.field(default_factory=_Known, repr=False)

    async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:
        listed = await self.wrapped.get_tools(ctx)
        inner = {name: tool for name, tool in listed.items() if ctx.is_tool_available(tool.tool_def)}
        definitions = [tool.tool_def for tool in inner.values()]
        for definition in definitions:
            # SECURITY: only pydantic-ai's own loop defers a call until a person or another process has answered.
            if definition.kind != "function":
                raise refused(definition.name, _DEFERRED.get(definition.kind, f"it is of the kind `{definition.kind}`"))
        programs = await self._programs(definitions)
        execute = ToolDefinition(name=programs.name, parameters_json_schema=SCHEMA, description=programs.description)
        tool = _Execute(
            toolset=self,
            tool_def=execute,
            max_retries=ctx.max_retries,
            args_validator=_VALIDATOR,
            programs=programs,
            inner=inner,
        )
        return {programs.name: tool}

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> dict[str, Any]:
        assert isinstance(tool, _Execute)
        # The way that pydantic-ai has for tools that call tools: its validation, hooks and approvals are in it.
        manager = ToolManager(self.wrapped, root_capability=ctx.root_capability, ctx=ctx, tools=tool.inner)
        return await tool.programs.arun(tool_args["code"], manager)

    def close(self) -> None:
        """Ends what runs. Calling it again does no harm."""
        for programs in self._known.close():
            programs.close()

    async def aclose(self) -> None:
        """As `close`, in an event loop, which goes on meanwhile."""
        await asyncio.gather(*(programs.aclose() for programs in self._known.close()))

    async def _programs(self, definitions: Sequence[ToolDefinition]) -> Programs:
        tools = [_inner_tool(definition) for definition in definitions]
        is_sequential = any(definition.sequential for definition in definitions)
        listed = [[tool.name, tool.description, tool.input_schema, tool.output_schema] for tool in tools]
        key = dumps([is_sequential, listed])
        programs = self._known.get(key)
        if programs is None:
            options = self.options
            if is_sequential:
                limits = dataclasses.replace(options.get("limits") or Limits(), tool_calls_in_flight=1)
                options = {**options, "limits": limits}
            # On the thread, so that it is known or closed although the task may be cancelled.
            programs = await asyncio.to_thread(lambda: self._known.add(key, Programs(tools, **options)))
        return programs


_DEFERRED = {
    "unapproved": "a person must approve it (`requires_approval`)",
    "external": "it is run outside of the agent's run, which a program cannot wait for",
}


def code_mode(tools: Sequence[ToolLike], **options: Unpack[Options]) -> CodeMode:
    """Makes tools and toolsets the host tools of one tool `execute`.

    Calls run with the context of the `execute` that they belong to: dependencies, usage, messages, in its task, through
    pydantic-ai's own validation and hooks. Raises `ConduitError` for a tool that needs approval or is deferred; for one
    that a toolset lists only during a run, the run raises it. Tools that must run alone make all calls run one by one.
    """
    toolsets: list[AbstractToolset[Any]] = [tool for tool in tools if isinstance(tool, AbstractToolset)]
    functions = [tool for tool in tools if not isinstance(tool, AbstractToolset)]
    for tool in functions:
        if isinstance(tool, AbstractNativeTool):
            raise refused(tool.kind, "the model's provider runs it")
    if functions:
        toolsets.insert(0, FunctionToolset(functions))
    for name, why in _deferred(toolsets):
        raise refused(name, why)
    return CodeMode(toolsets[0] if len(toolsets) == 1 else CombinedToolset(toolsets), options)


def _deferred(toolsets: Iterable[AbstractToolset[Any]]) -> Iterable[tuple[str, str]]:
    """The tools that wait for somebody, as far as that is known without a run."""
    for toolset in toolsets:
        if isinstance(toolset, ApprovalRequiredToolset):
            yield toolset.wrapped.label, "a person must approve it (`approval_required`)"
        elif isinstance(toolset, WrapperToolset):
            yield from _deferred([toolset.wrapped])
        elif isinstance(toolset, CombinedToolset):
            yield from _deferred(toolset.toolsets)
        elif isinstance(toolset, ExternalToolset):
            yield from ((definition.name, _DEFERRED["external"]) for definition in toolset.tool_defs)
        elif isinstance(toolset, FunctionToolset):
            approved = [name for name, tool in toolset.tools.items() if tool.requires_approval]
            yield from ((name, _DEFERRED["unapproved"]) for name in approved)


def _inner_tool(definition: ToolDefinition) -> InnerTool:
    name = definition.name

    async def call(arguments: dict[str, Any], manager: ToolManager[Any]) -> Any:
        try:
            validated = await manager.validate_tool_call(ToolCallPart(name, arguments), wrap_validation_errors=False)
            return _value(name, await manager.execute_tool_call(validated, wrap_validation_errors=False))
        except (ApprovalRequired, CallDeferred) as error:
            why = "waits for a person or another process, and a program cannot: it was not run to its end"
            raise ConduitError(f"tool `{name}` {why}", "tool_failed") from error

    schema = definition.return_schema if (definition.return_schema or {}).get("type") == "object" else None
    return InnerTool(name, definition.description, definition.parameters_json_schema, acall=call, output_schema=schema)


def _value(tool: str, value: Any) -> Any:
    value = value.return_value if isinstance(value, ToolReturn) else value
    items = value if isinstance(value, (list, tuple)) else [value]
    if any(isinstance(item, MULTI_MODAL_CONTENT_TYPES) for item in items):
        raise ConduitError(f"tool `{tool}` gave an image or a file, which a program cannot read", "tool_failed")
    return tool_return_ta.dump_python(value, mode="json", by_alias=True)
