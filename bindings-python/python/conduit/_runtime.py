"""What both runtimes are: `_async_runtime` has the one for asyncio, `_sync_runtime` the one that waits."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable, Optional, Union, overload

from . import _conduit
from ._conduit import Pending
from ._errors import ConduitError
from ._host_tools import Function, Host, HostTool, call_in, inbox_of
from ._json import dumps_given, loads, present
from ._types import ConfigKeys, Language, RequestOptions, ToolOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Base:
    """A config, tools, and core's runtime, which is made when it is first needed."""

    #: Whether asynchronous tools run in the event loop that last asked something, and not in one of the runtime's own.
    _is_async: bool

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
        if function is None:
            return functools.partial(self.tool, **options)
        tool = HostTool(function, options)
        with self._locked():
            if self._native is not None or self._closed:
                message = f"tool `{tool.name}` comes too late, expected it before the runtime is first used"
                raise ConduitError(message, "invalid_config")
            if any(tool.name == other.name for other in self._host.tools):
                raise ConduitError(f"tool `{tool.name}` is defined twice", "invalid_config")
            self._host.tools.append(tool)
        return function

    def _started(self) -> _conduit.Runtime:
        native = self._native
        if native is None or self._closed:
            with self._locked():
                if self._closed:
                    raise ConduitError("the runtime is shut down", "shut_down")
                native = self._native
                if native is None:
                    self._native = native = self._host.start(self._config, own_loop=not self._is_async)
        return native

    def _ask(self, question: str, **said: object) -> Pending:
        given = {"ask": question, **said}
        return self._started().ask(dumps_given(given, "the request", "invalid_request"))

    def _watch(self) -> None:
        """Has asynchronous tools run in the running loop, if that is how this runtime runs them."""
        if self._is_async and self._native is not None:
            self._host.serve_in(asyncio.get_running_loop(), self._native)

    def _wait(self, pending: Pending) -> Any:
        """Waits on this thread. `None` is the answer after the last one."""
        return loads(pending.wait() or "null")

    async def _answer(self, pending: Pending) -> Any:
        """Waits in the running loop. Cancelling the task ends what was asked."""
        self._watch()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            if not done.done():
                done.set_result(None)

        pending.start(inbox_of(loop), functools.partial(call_in, loop, settle))
        try:
            await done
        except BaseException:
            pending.cancel()
            raise
        return loads(pending.answer() or "null")

    def _closing(self) -> Optional[Pending]:
        # Under the lock: a runtime that starts meanwhile is there to be closed, and none starts later.
        with self._locked():
            self._closed = True
            native = self._native
        return None if native is None else native.close()

    def _end(self) -> None:
        """Lets go of what is closed."""
        self._native = None
        self._host.stop()

    def _locked(self) -> threading.Lock:
        # One for each process: where it was forked, its parent's may be held for ever.
        return self._locks.setdefault(os.getpid(), threading.Lock())


class Running:
    """What both kinds of executions are."""

    def __init__(self, native: _conduit.Execution, runtime: Base) -> None:
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


def request(code: str, language: Language, options: RequestOptions) -> str:
    """The JSON of a request."""
    given = {"code": code, "language": language, **present(RequestOptions, options)}
    return dumps_given(given, "the request", "invalid_request")
