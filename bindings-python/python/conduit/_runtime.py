"""The two runtimes: one that waits, one for asyncio. Everything else is the same."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional, Union, overload

from . import _conduit
from ._conduit import Pending
from ._errors import ConduitError
from ._host_tools import Function, Host, HostTool, call_in
from ._json import dumps_given, loads, present
from ._result import ExecutionResult, read_result
from ._types import (
    _EVENTS,
    ConfigKeys,
    Described,
    Event,
    Found,
    Language,
    RequestOptions,
    Tool,
    ToolOptions,
    UpstreamStatus,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

#: Patterns that narrow the policy.
Allow = Optional[Sequence[str]]


class _Base:
    """What both runtimes are: a config, tools, and core's runtime, which is made when it is first needed."""

    #: Whether it has an event loop of its own; `None` when that is for asynchronous tools alone.
    _own_loop: Optional[bool] = None

    def __init__(
        self,
        config: Union[str, os.PathLike[str], None] = None,
        *,
        tools: Iterable[Callable[..., Any]] = (),
        **keys: Unpack[ConfigKeys],
    ) -> None:
        given = present(ConfigKeys, keys)
        if config is None:
            self._config = _conduit.Config.from_json(dumps_given(given, "the config", "invalid_config"))
        elif given:
            message = f"`{next(iter(given))}` stands beside `config`, expected a file or its keys"
            raise ConduitError(message, "invalid_config")
        else:
            self._config = _conduit.Config.read(os.fspath(config))
        self._host = Host(tools)
        self._native: Optional[_conduit.Runtime] = None
        self._closed = False
        self._locks: dict[int, threading.Lock] = {}

    @overload
    def tool(self, function: Function) -> Function: ...
    @overload
    def tool(self, **options: Unpack[ToolOptions]) -> Callable[[Function], Function]: ...
    def tool(self, function: Any = None, **options: Any) -> Any:
        """Makes a function a tool, before the runtime is first used; what is not said comes from the function itself.

        The schema of its arguments comes from its type hints (those that JSON does not have, such as dataclasses, need
        pydantic), its description from its docstring. With an `input_schema` of its own, or `False` for none at all, a
        function gets its arguments as JSON has them. As any tool it can be called by programs only if the policy allows
        it: `policy={"allow": ["host.*"]}`.
        """

        def decorate(function: Function) -> Function:
            tool = HostTool(function, options)
            with self._locked():
                if self._native is not None or self._closed:
                    message = f"tool `{tool.name}` comes too late, expected it before the runtime is first used"
                    raise ConduitError(message, "invalid_config")
                self._host.tools.append(tool)
            return function

        return decorate if function is None else decorate(function)

    def _started(self) -> _conduit.Runtime:
        native = self._native
        if native is None:
            with self._locked():
                if self._closed:
                    raise ConduitError("the runtime is shut down", "shut_down")
                native = self._native
                if native is None:
                    native = _conduit.Runtime(self._config, [(tool.json, tool.is_async) for tool in self._host.tools])
                    self._host.serve(native, self._own_loop)
                    self._native = native
        return native

    def _watch(self) -> None:
        """Has the running loop hear of answers, unless another tells it."""

    def _closing(self) -> Optional[Pending]:
        # Under the lock: a runtime that starts meanwhile is there to be closed, and none starts later.
        with self._locked():
            self._closed = True
            native = self._native
        return None if native is None else native.close()

    def _locked(self) -> threading.Lock:
        # One for each process: where it was forked, its parent's may be held for ever.
        return self._locks.setdefault(os.getpid(), threading.Lock())


def _request(code: str, language: Language, options: RequestOptions) -> str:
    request = {"code": code, "language": language, **present(RequestOptions, options)}
    return dumps_given(request, "the request", "invalid_request")


def _event(data: Any) -> Event:
    return _EVENTS[data["event"]](data)


def _wait(pending: Pending) -> Any:
    """Waits on this thread. `None` is the answer after the last one."""
    return loads(pending.wait() or "null")


async def _answer(runtime: _Base, pending: Pending) -> Any:
    """Waits in the running loop. Cancelling the task ends what was asked."""
    runtime._watch()
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not done.done():
            done.set_result(None)

    pending.start(functools.partial(call_in, loop, settle))
    try:
        await done
    except BaseException:
        pending.cancel()
        raise
    return loads(pending.answer() or "null")


async def _close(runtime: _Base) -> None:
    if (pending := runtime._closing()) is not None:
        await _answer(runtime, pending)


class _Execution:
    """What both kinds of executions are."""

    def __init__(self, native: _conduit.Execution, runtime: _Base) -> None:
        self._native = native
        #: Its tools answer for as long as the program runs.
        self._runtime = runtime

    @property
    def id(self) -> str:
        """Unguessable, and the same as in the result."""
        return self._native.id

    def cancel(self) -> None:
        """Ends the program; `join` then gives what it had produced."""
        self._native.cancel()


class Execution(_Execution):
    """A program under way. When nobody holds it any more, the program is cancelled."""

    def events(self) -> Iterator[Event]:
        """What happens, as it happens; ends with the program. Each event is given once."""
        while (batch := _wait(self._native.next_events())) is not None:
            yield from map(_event, batch)

    def join(self) -> ExecutionResult:
        """Waits for the end. Ctrl-C cancels the program."""
        try:
            return read_result(_wait(self._native.join()))
        except BaseException:
            self._native.cancel()
            raise


class Runtime(_Base):
    """Runs programs, each in a fresh sandbox, and gives them tools. Every method may be called from any thread.

    Options: `config`, the path of a config file, or the keys of such a file (see docs/config.md), and `tools`, functions
    that programs may call if the policy allows it. Raises `ConduitError` with the code `invalid_config`.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute(self, code: str, *, language: Language, **options: Unpack[RequestOptions]) -> ExecutionResult:
        """Runs one program to its end, without the GIL. Ctrl-C cancels it.

        `allow` narrows the policy, `input` is what the program finds as `input`, `limits` are those that differ from the
        operator's defaults. Raises `ConduitError` for what the caller or the operator must mend.
        """
        return read_result(_wait(self._started().execute(_request(code, language, options))))

    def spawn(self, code: str, *, language: Language, **options: Unpack[RequestOptions]) -> Execution:
        """Starts one program, as `execute`; what `execute` raises comes from `join`."""
        return Execution(self._started().spawn(_request(code, language, options)), self)

    def tools(self, allow: Allow = None) -> tuple[Tool, ...]:
        """The tools that a request with this allow-list may call. Connects what is not connected."""
        return tuple(map(Tool._from_json, _wait(self._started().tools(allow))))

    def search_tools(self, query: str, *, limit: Optional[int] = None, allow: Allow = None) -> Found:
        """Those of them that fit `query` best, and which upstreams could not be searched."""
        return Found._from_json(_wait(self._started().search_tools(query, limit, allow)))

    def describe_tools(self, names: Sequence[str], *, allow: Allow = None) -> Described:
        """The tools that `names` mean to a program with this allow-list."""
        return Described._from_json(_wait(self._started().describe_tools(names, allow)))

    def declarations(self, language: Language, *, allow: Allow = None) -> str:
        """What a model should read before it writes a program in `language`: the tools as types."""
        return str(_wait(self._started().declarations(language, allow)))

    def check(self) -> tuple[UpstreamStatus, ...]:
        """Connects every upstream and says how that went."""
        return tuple(map(UpstreamStatus._from_json, _wait(self._started().check())))

    def close(self) -> None:
        """Refuses what comes, cancels what runs and ends every connection. Calling it again does no harm."""
        if (pending := self._closing()) is not None:
            pending.wait()
            self._native = None


class AsyncExecution(_Execution):
    """A program under way. When nobody holds it any more, the program is cancelled."""

    async def events(self) -> AsyncIterator[Event]:
        """What happens, as it happens; ends with the program. Each event is given once."""
        while (batch := await _answer(self._runtime, self._native.next_events())) is not None:
            for event in batch:
                yield _event(event)

    async def join(self) -> ExecutionResult:
        """Waits for the end. Cancelling the task cancels the program."""
        try:
            return read_result(await _answer(self._runtime, self._native.join()))
        except BaseException:
            self._native.cancel()
            raise


class AsyncRuntime(_Base):
    """As `Runtime`, for asyncio. Asynchronous tools run in the event loop that last asked something of the runtime."""

    _own_loop = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        if self._host.loop is not loop and self._native is not None:
            self._host.serve_in(loop, self._native)

    async def execute(self, code: str, *, language: Language, **options: Unpack[RequestOptions]) -> ExecutionResult:
        """Runs one program to its end. Cancelling the task cancels it. See `Runtime.execute`."""
        return read_result(await _answer(self, self._started().execute(_request(code, language, options))))

    def spawn(self, code: str, *, language: Language, **options: Unpack[RequestOptions]) -> AsyncExecution:
        """Starts one program, as `execute`; what `execute` raises comes from `join`."""
        execution = AsyncExecution(self._started().spawn(_request(code, language, options)), self)
        self._watch()
        return execution

    async def tools(self, allow: Allow = None) -> tuple[Tool, ...]:
        """The tools that a request with this allow-list may call. Connects what is not connected."""
        return tuple(map(Tool._from_json, await _answer(self, self._started().tools(allow))))

    async def search_tools(self, query: str, *, limit: Optional[int] = None, allow: Allow = None) -> Found:
        """Those of them that fit `query` best, and which upstreams could not be searched."""
        return Found._from_json(await _answer(self, self._started().search_tools(query, limit, allow)))

    async def describe_tools(self, names: Sequence[str], *, allow: Allow = None) -> Described:
        """The tools that `names` mean to a program with this allow-list."""
        return Described._from_json(await _answer(self, self._started().describe_tools(names, allow)))

    async def declarations(self, language: Language, *, allow: Allow = None) -> str:
        """What a model should read before it writes a program in `language`: the tools as types."""
        return str(await _answer(self, self._started().declarations(language, allow)))

    async def check(self) -> tuple[UpstreamStatus, ...]:
        """Connects every upstream and says how that went."""
        return tuple(map(UpstreamStatus._from_json, await _answer(self, self._started().check())))

    async def close(self) -> None:
        """Refuses what comes, cancels what runs and ends every connection. Calling it again does no harm."""
        await _close(self)
