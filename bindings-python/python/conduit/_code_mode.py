"""What the adapters for agent frameworks share: one tool `execute`, whose programs call the framework's own tools.

An adapter says what its framework's tools are (`InnerTool`) and in what form the result is wanted. Each call of a tool
runs with the context of the `execute` that it belongs to: in its event loop, or on a thread, with its contextvars.
"""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import functools
import os
import threading
from collections.abc import Awaitable, Iterable
from typing import Any, Callable, Generic, Optional, TypeVar, Union

from ._async_runtime import AsyncExecution
from ._conduit import guide
from ._errors import ConduitError
from ._host_tools import current_call
from ._result import ExecutionResult
from ._sync_runtime import Execution, Runtime
from ._types import Language, Limits, SharedKeys

ToolT = TypeVar("ToolT")
#: What the argument `code` of `execute` is.
CODE = "The program."
#: The arguments of `execute`.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"code": {"type": "string", "description": CODE}},
    "required": ["code"],
    "additionalProperties": False,
}


class Options(SharedKeys, total=False):
    """The options of every `code_mode`; `config` and the keys of a config file are those of `Runtime`.

    When `policy` is absent, programs may call the tools given, all of them; with `upstreams` it must be there.
    """

    #: The language of the programs; Python when absent.
    language: Language
    #: The tool's name; `execute` when absent.
    name: str
    #: Limits of each program.
    limits: Optional[Limits]
    #: The path of a config file.
    config: Union[str, os.PathLike[str], None]


@dataclasses.dataclass(frozen=True)
class InnerTool:
    """A tool of a framework, as programs have it."""

    name: str
    description: Optional[str]
    input_schema: dict[str, Any]
    #: Calls it with arguments and what the adapter gave to `run`; `acall` likewise to `arun`.
    call: Optional[Callable[[dict[str, Any], Any], Any]] = None
    acall: Optional[Callable[[dict[str, Any], Any], Awaitable[Any]]] = None
    output_schema: Optional[dict[str, Any]] = None


def refused(tool: str, why: str) -> ConduitError:
    """The error for a tool that programs cannot have."""
    return ConduitError(f"tool `{tool}` cannot be called by programs: {why}", "invalid_config")


#: Calls that were cancelled and have not ended yet: the loop itself holds them weakly.
_ENDING: set[asyncio.Task[Any]] = set()


def _ended(call: asyncio.Task[Any]) -> None:
    _ENDING.discard(call)
    if not call.cancelled():
        call.exception()  # seen, and so not logged


class _Run:
    """One `execute` under way, and the calls in its event loop."""

    def __init__(self, outer: Any, loop: Optional[asyncio.AbstractEventLoop]) -> None:
        self.outer = outer
        self.loop = loop
        self.context = contextvars.copy_context()
        self.calls: set[asyncio.Task[Any]] = set()
        self.is_over = False

    async def call(self, tool: InnerTool, arguments: dict[str, Any]) -> Any:
        """Lets the framework answer one call."""
        # A context of its own: calls run at once, and what one sets is no other's.
        context = self.context.copy()
        if self.loop is None:
            assert tool.call is not None
            return await _in_thread(context, functools.partial(tool.call, arguments, self.outer))
        return await asyncio.wrap_future(
            context.run(asyncio.run_coroutine_threadsafe, self._here(tool, arguments), self.loop)
        )

    async def _here(self, tool: InnerTool, arguments: dict[str, Any]) -> Any:
        task = asyncio.current_task()
        if self.is_over or task is None:
            raise asyncio.CancelledError
        self.calls.add(task)
        try:
            assert tool.acall is not None
            return await tool.acall(arguments, self.outer)
        finally:
            self.calls.discard(task)

    def end(self) -> None:
        """Cancels what the program still calls, and does not wait: a tool may catch that and go on for ever."""
        self.is_over = True
        for call in list(self.calls):
            _ENDING.add(call)
            call.add_done_callback(_ended)
            call.cancel()


async def _in_thread(context: contextvars.Context, function: Callable[[], Any]) -> Any:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[Any, Optional[Exception]]] = loop.create_future()

    def settle(value: Any, error: Optional[Exception]) -> None:
        if not done.done():
            done.set_result((value, error))

    def run() -> None:
        value, failure = None, None
        try:
            value = context.run(function)
        except Exception as error:
            failure = error
        except BaseException as error:  # it is the program's to catch, and ends no thread of ours
            failure = ConduitError(str(error) or type(error).__name__, "tool_failed")
        try:
            loop.call_soon_threadsafe(settle, value, failure)
        except RuntimeError:
            pass  # the runtime is closed, so nobody waits

    threading.Thread(target=run, name="conduit-tool", daemon=True).start()
    value, failure = await done
    if failure is not None:
        raise failure
    return value


class Programs:
    """What is behind one tool `execute`: a runtime whose host tools are the framework's."""

    def __init__(
        self,
        tools: Iterable[InnerTool],
        *,
        language: Language = "python",
        name: str = "execute",
        limits: Optional[Limits] = None,
        **options: Any,
    ) -> None:
        if options.get("policy") is None and options.get("config") is None:
            if options.get("upstreams"):
                message = "`upstreams` stands without `policy`, expected what programs may call, such as `host.*`"
                raise ConduitError(message, "invalid_config")
            options["policy"] = {"allow": ["host.*"]}
        self.name = name
        self._language: Language = language
        self._limits = limits
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}
        #: What programs run in.
        self.runtime = Runtime(**options)
        for tool in tools:
            self._add(tool)
        #: What a model should read before it writes a program: core's guide, and the tools as types.
        self.description = f"{guide(language)}\n\n{self.runtime.declarations(language)}"

    def _add(self, tool: InnerTool) -> None:
        async def call(**arguments: Any) -> Any:
            with self._lock:
                run = self._runs.get(current_call().execution_id)
            if run is None:
                raise ConduitError("the program has ended", "cancelled")
            return await run.call(tool, arguments)

        decorate = self.runtime.tool(
            name=tool.name,
            description=tool.description,
            input_schema=tool.input_schema,
            output_schema=tool.output_schema,
        )
        decorate(call)

    def _spawn(self, code: str, run: _Run) -> Execution:
        # The lock keeps the program's first call waiting until its run is known.
        with self._lock:
            execution = self.runtime.spawn(code, language=self._language, limits=self._limits)
            self._runs[execution.id] = run
            return execution

    def run(self, code: str, outer: Any = None) -> dict[str, Any]:
        """Runs a program for a caller that waits; Ctrl-C ends it."""
        execution = self._spawn(code, _Run(outer, None))
        try:
            return reply(execution.join())
        finally:
            self._runs.pop(execution.id, None)

    async def arun(self, code: str, outer: Any = None) -> dict[str, Any]:
        """Runs a program for a task; cancelling the task ends the program, and its calls with it."""
        run = _Run(outer, asyncio.get_running_loop())
        execution = self._spawn(code, run)
        try:
            return reply(await AsyncExecution(execution._native, self.runtime).join())
        finally:
            self._runs.pop(execution.id, None)
            run.end()

    def close(self) -> None:
        """Ends what runs. Calling it again does no harm."""
        self.runtime.close()

    async def aclose(self) -> None:
        """As `close`, while the event loop goes on."""
        if (pending := self.runtime._closing()) is not None:
            await self.runtime._answer(pending)
            self.runtime._end()


class CodeMode(Generic[ToolT]):
    """The tool `execute` in the form of a framework, and what is behind it. As a context manager it closes itself."""

    def __init__(self, tools: list[ToolT], programs: Programs) -> None:
        #: What to give to the agent.
        self.tools = tools
        #: What programs run in.
        self.runtime = programs.runtime
        self._programs = programs

    def close(self) -> None:
        """Ends what runs. Calling it again does no harm."""
        self._programs.close()

    async def aclose(self) -> None:
        """As `close`, in an event loop, which goes on meanwhile."""
        await self._programs.aclose()

    def __enter__(self) -> CodeMode[ToolT]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> CodeMode[ToolT]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def reply(result: ExecutionResult) -> dict[str, Any]:
    """What the model reads of a result."""
    outcome = result.outcome
    if outcome.status == "completed":
        found: dict[str, Any] = {"value": result.value}
    elif outcome.status == "failed":
        error = outcome.error
        text = f"{error.name}: {error.message}"
        place = "" if error.line is None else f" (line {error.line})"
        # A traceback of Python ends with the text.
        stack = error.stack.rstrip().removesuffix(text).rstrip()
        found = {"error": f"{text}{place}\n{stack}".rstrip()}
    elif outcome.status == "limit_exceeded":
        found = {"error": outcome.message}
    else:
        found = {"error": "the program was cancelled"}
    for stream in ("stdout", "stderr"):
        if text := getattr(result, stream):
            found[stream] = text
    return found
