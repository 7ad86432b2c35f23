"""The two runtimes: one that waits, one for asyncio. Everything else is the same."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable, Literal, Optional, TypeVar, Union, overload

from . import _conduit
from ._conduit import Pending
from ._errors import ConduitError
from ._host_tools import Function, Host, HostTool
from ._json import dumps_request, limits_to_json, loads
from ._result import ExecutionResult, read_result
from ._types import _EVENTS, Described, Event, Found, Language, Limits, Tool, UpstreamStatus

Self = TypeVar("Self", bound="_Base")
#: Limits of a config: as `Limits`, or by the keys of a config file.
LimitsConfig = Union[Limits, Mapping[str, Union[int, str]]]


class _Base:
    """What both runtimes are: a config, tools, and core's runtime, which is made when it is first needed."""

    #: Whether event loops wait for answers.
    _has_loop = False

    def __init__(
        self,
        config: Union[str, os.PathLike[str], None] = None,
        *,
        tools: Iterable[Callable[..., Any]] = (),
        upstreams: Optional[Sequence[Mapping[str, Any]]] = None,
        policy: Optional[Mapping[str, Sequence[str]]] = None,
        limits: Optional[LimitsConfig] = None,
        max_limits: Optional[LimitsConfig] = None,
        validation: Optional[str] = None,
        languages: Optional[Sequence[Language]] = None,
        max_executions: Optional[int] = None,
        max_queue: Optional[int] = None,
    ) -> None:
        given = {
            "upstreams": upstreams,
            "policy": policy,
            "limits": limits_to_json(limits) if isinstance(limits, Limits) else limits,
            "max_limits": limits_to_json(max_limits) if isinstance(max_limits, Limits) else max_limits,
            "validation": validation,
            "languages": languages,
            "max_executions": max_executions,
            "max_queue": max_queue,
        }
        keys = {key: value for key, value in given.items() if value is not None}
        if config is None:
            self._config = _conduit.Config.from_json(dumps_request(keys))
        elif keys:
            message = f"`{next(iter(keys))}` stands beside `config`, expected a file or its keys"
            raise ConduitError(message, "invalid_config")
        else:
            self._config = _conduit.Config.read(os.fspath(config))
        self._host = Host()
        for function in tools:
            self._host.add(function)
        self._native: Optional[_conduit.Runtime] = None
        self._closed = False
        self._locks: dict[int, threading.Lock] = {}

    @overload
    def tool(self, function: Function) -> Function: ...
    @overload
    def tool(
        self,
        *,
        name: Optional[str] = None,
        description: Optional[str] = None,
        upstream: Optional[str] = None,
        title: Optional[str] = None,
        input_schema: Union[dict[str, Any], Literal[False], None] = None,
        output_schema: Optional[dict[str, Any]] = None,
        annotations: Optional[dict[str, Any]] = None,
    ) -> Callable[[Function], Function]: ...
    def tool(self, function: Any = None, **options: Any) -> Any:
        """Makes a function a tool, before the runtime is first used; what is not said comes from the function itself.

        The schema of its arguments comes from its type hints, its description from its docstring. With an `input_schema` of
        its own, or `False` for none at all, a function gets its arguments as JSON has them. As any tool it can be
        called by programs only if the policy allows it: `policy={"allow": ["host.*"]}`.
        """

        def decorate(function: Function) -> Function:
            tool = HostTool(function, options)
            with self._locked():
                if self._native is not None or self._closed:
                    name = tool.definition["name"]
                    message = f"tool `{name}` comes too late, expected it before the runtime is first used"
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
                    native = _conduit.Runtime(self._config, self._host.definitions())
                    self._host.serve(native, self._has_loop)
                    self._native = native
        return native

    def _closing(self) -> Optional[Pending]:
        # Under the lock: a runtime that starts meanwhile is there to be closed, and none starts later.
        with self._locked():
            self._closed = True
            native = self._native
        return None if native is None else native.close()

    def _locked(self) -> threading.Lock:
        # One for each process: where it was forked, its parent's may be held for ever.
        return self._locks.setdefault(os.getpid(), threading.Lock())


def _request(
    code: str, language: Language, allow: Optional[Sequence[str]], input: object, limits: Optional[Limits]
) -> str:
    request = {"language": language, "code": code, "allow": allow, "input": input}
    if limits is not None:
        request["limits"] = limits_to_json(limits)
    return dumps_request(request)


def _patterns(allow: Optional[Sequence[str]]) -> Optional[list[str]]:
    return None if allow is None else list(allow)


def _tools(text: Optional[str]) -> tuple[Tool, ...]:
    return tuple(map(Tool._from_json, loads(text or "[]")))


def _statuses(text: Optional[str]) -> tuple[UpstreamStatus, ...]:
    return tuple(map(UpstreamStatus._from_json, loads(text or "[]")))


def _events(text: str) -> list[Event]:
    return [_EVENTS[event["event"]](event) for event in loads(text)]


async def _answer(pending: Pending) -> Optional[str]:
    """Waits in the running loop. Cancelling the task ends what was asked."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not done.done():
            done.set_result(None)

    pending.start(functools.partial(loop.call_soon_threadsafe, settle))
    try:
        await done
    except BaseException:
        pending.cancel()
        raise
    return pending.answer()


async def _close(runtime: _Base) -> None:
    pending = runtime._closing()
    if pending is not None:
        await _answer(pending)
    runtime._host.stop()


class Execution:
    """A program under way. When nobody holds it any more, the program is cancelled."""

    def __init__(self, native: _conduit.Execution, runtime: Runtime) -> None:
        self._native = native
        #: Its tools answer for as long as the program runs.
        self._runtime = runtime

    @property
    def id(self) -> str:
        """Unguessable, and the same as in the result."""
        return self._native.id

    def events(self) -> Iterator[Event]:
        """What happens, as it happens; ends with the program. Each event is given once."""
        while (text := self._native.next_events().wait()) is not None:
            yield from _events(text)

    def cancel(self) -> None:
        """Ends the program; `join` then gives what it had produced."""
        self._native.cancel()

    def join(self) -> ExecutionResult:
        """Waits for the end. Ctrl-C cancels the program."""
        try:
            return read_result(self._native.join().wait() or "")
        except BaseException:
            self._native.cancel()
            raise


class Runtime(_Base):
    """Runs programs, each in a fresh sandbox, and gives them tools. Every method may be called from any thread.

    Options: `config`, the path of a config file, or the keys of such a file (see docs/config.md), and `tools`, functions
    that programs may call if the policy allows it. Raises `ConduitError` with the code `invalid_config`.
    """

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute(
        self,
        code: str,
        *,
        language: Language,
        allow: Optional[Sequence[str]] = None,
        input: object = None,
        limits: Optional[Limits] = None,
    ) -> ExecutionResult:
        """Runs one program to its end, without the GIL. Ctrl-C cancels it.

        `allow` narrows the policy, `input` is what the program finds as `input`, `limits` are those that differ from the
        operator's defaults. Raises `ConduitError` for what the caller or the operator must mend.
        """
        request = _request(code, language, allow, input, limits)
        return read_result(self._started().execute(request).wait() or "")

    def spawn(
        self,
        code: str,
        *,
        language: Language,
        allow: Optional[Sequence[str]] = None,
        input: object = None,
        limits: Optional[Limits] = None,
    ) -> Execution:
        """Starts one program, as `execute`; what `execute` raises comes from `join`."""
        return Execution(self._started().spawn(_request(code, language, allow, input, limits)), self)

    def tools(self, allow: Optional[Sequence[str]] = None) -> tuple[Tool, ...]:
        """The tools that a request with this allow-list may call. Connects what is not connected."""
        return _tools(self._started().tools(_patterns(allow)).wait())

    def search_tools(
        self, query: str, *, limit: Optional[int] = None, allow: Optional[Sequence[str]] = None
    ) -> Found:
        """Those of them that fit `query` best, and which upstreams could not be searched."""
        return Found._from_json(loads(self._started().search_tools(query, limit, _patterns(allow)).wait() or ""))

    def describe_tools(self, names: Sequence[str], *, allow: Optional[Sequence[str]] = None) -> Described:
        """The tools that `names` mean to a program with this allow-list."""
        text = self._started().describe_tools(list(names), _patterns(allow)).wait()
        return Described._from_json(loads(text or ""))

    def declarations(self, language: Language, *, allow: Optional[Sequence[str]] = None) -> str:
        """What a model should read before it writes a program in `language`: the tools as types."""
        return str(loads(self._started().declarations(language, _patterns(allow)).wait() or ""))

    def check(self) -> tuple[UpstreamStatus, ...]:
        """Connects every upstream and says how that went."""
        return _statuses(self._started().check().wait())

    def close(self) -> None:
        """Refuses what comes, cancels what runs and ends every connection. Calling it again does no harm."""
        pending = self._closing()
        if pending is not None:
            pending.wait()
        self._host.stop()


class AsyncExecution:
    """A program under way. When nobody holds it any more, the program is cancelled."""

    def __init__(self, native: _conduit.Execution, runtime: _Base) -> None:
        self._native = native
        #: Its tools answer for as long as the program runs.
        self._runtime = runtime

    @property
    def id(self) -> str:
        """Unguessable, and the same as in the result."""
        return self._native.id

    async def events(self) -> AsyncIterator[Event]:
        """What happens, as it happens; ends with the program. Each event is given once."""
        while (text := await _answer(self._native.next_events())) is not None:
            for event in _events(text):
                yield event

    def cancel(self) -> None:
        """Ends the program; `join` then gives what it had produced."""
        self._native.cancel()

    async def join(self) -> ExecutionResult:
        """Waits for the end. Cancelling the task cancels the program."""
        try:
            return read_result(await _answer(self._native.join()) or "")
        except BaseException:
            self._native.cancel()
            raise


class AsyncRuntime(_Base):
    """As `Runtime`, for asyncio. Asynchronous tools run in the event loop that last asked something of the runtime."""

    _has_loop = True

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _here(self) -> _conduit.Runtime:
        self._host.loop = asyncio.get_running_loop()
        return self._started()

    async def execute(
        self,
        code: str,
        *,
        language: Language,
        allow: Optional[Sequence[str]] = None,
        input: object = None,
        limits: Optional[Limits] = None,
    ) -> ExecutionResult:
        """Runs one program to its end. Cancelling the task cancels it. See `Runtime.execute`."""
        request = _request(code, language, allow, input, limits)
        return read_result(await _answer(self._here().execute(request)) or "")

    def spawn(
        self,
        code: str,
        *,
        language: Language,
        allow: Optional[Sequence[str]] = None,
        input: object = None,
        limits: Optional[Limits] = None,
    ) -> AsyncExecution:
        """Starts one program, as `execute`; what `execute` raises comes from `join`."""
        return AsyncExecution(self._here().spawn(_request(code, language, allow, input, limits)), self)

    async def tools(self, allow: Optional[Sequence[str]] = None) -> tuple[Tool, ...]:
        """The tools that a request with this allow-list may call. Connects what is not connected."""
        return _tools(await _answer(self._here().tools(_patterns(allow))))

    async def search_tools(
        self, query: str, *, limit: Optional[int] = None, allow: Optional[Sequence[str]] = None
    ) -> Found:
        """Those of them that fit `query` best, and which upstreams could not be searched."""
        text = await _answer(self._here().search_tools(query, limit, _patterns(allow)))
        return Found._from_json(loads(text or ""))

    async def describe_tools(self, names: Sequence[str], *, allow: Optional[Sequence[str]] = None) -> Described:
        """The tools that `names` mean to a program with this allow-list."""
        text = await _answer(self._here().describe_tools(list(names), _patterns(allow)))
        return Described._from_json(loads(text or ""))

    async def declarations(self, language: Language, *, allow: Optional[Sequence[str]] = None) -> str:
        """What a model should read before it writes a program in `language`: the tools as types."""
        return str(loads(await _answer(self._here().declarations(language, _patterns(allow))) or ""))

    async def check(self) -> tuple[UpstreamStatus, ...]:
        """Connects every upstream and says how that went."""
        return _statuses(await _answer(self._here().check()))

    async def close(self) -> None:
        """Refuses what comes, cancels what runs and ends every connection. Calling it again does no harm."""
        await _close(self)
