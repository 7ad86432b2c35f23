"""Functions of the embedding program as tools: what they are, and how a call gets to them and back."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import functools
import inspect
import os
import threading
import weakref
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar, Union, overload

from ._conduit import Config, Inbox, Runtime, ToolCall, check_tool
from ._errors import ConduitError
from ._json import dumps, dumps_given, loads, present
from ._schema import Signature
from ._types import ToolOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack

Function = TypeVar("Function", bound=Callable[..., Any])
_OPTIONS = "__conduit_tool__"


@dataclasses.dataclass(frozen=True)
class CurrentCall:
    """The call that a tool answers."""

    #: The tool's full name.
    tool: str
    #: The id of the execution whose program calls.
    execution_id: str


_CURRENT: contextvars.ContextVar[CurrentCall] = contextvars.ContextVar("conduit_current_call")


def current_call() -> CurrentCall:
    """The call that is being answered here. Raises `LookupError` outside a tool."""
    return _CURRENT.get()


@overload
def tool(function: Function) -> Function: ...
@overload
def tool(**options: Unpack[ToolOptions]) -> Callable[[Function], Function]: ...
def tool(function: Any = None, **options: Any) -> Any:
    """Says how a function is a tool, for `Runtime(tools=[function])`; what is not said comes from the function itself."""
    if function is None:
        return functools.partial(tool, **options)
    setattr(function, _OPTIONS, options)
    return function


class HostTool:
    """One function that is a tool."""

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        if not callable(function):
            raise ConduitError(f"`{type(function).__name__}` is no tool, expected a function", "invalid_config")
        said = present(ToolOptions, options)
        schema, output = said.pop("input_schema", None), said.pop("output_schema", None)
        inner = function.func if isinstance(function, functools.partial) else function
        self.function = function
        self.is_async = any(map(inspect.iscoroutinefunction, (inner, getattr(inner, "__call__", None))))  # noqa: B004
        self.name = str(said.get("name") or getattr(inner, "__name__", type(inner).__name__))
        signature = Signature.of(function, self.name) if schema is None else Signature(schema or None, None, loads)
        self._read = signature.read
        definition = {
            **said,
            "name": self.name,
            "description": said.get("description") or inspect.getdoc(inner),
            "inputSchema": signature.input_schema,
            "outputSchema": output or signature.output_schema,
        }
        self.json = dumps_given(definition, f"the definition of tool `{self.name}`", "invalid_config")
        check_tool(self.json)

    def run(self, call: ToolCall) -> None:
        """Answers one call, on this thread."""
        _CURRENT.set(CurrentCall(call.tool, call.execution))
        try:
            value = self.function(**self._read(call.arguments))
        except BaseException as error:  # whatever it is, it is the program's to catch, and no thread of ours ends by it
            _fail(call, error)
        else:
            _answer(call, value)

    async def run_async(self, call: ToolCall) -> None:
        """Answers one call, in a task of its own."""
        _CURRENT.set(CurrentCall(call.tool, call.execution))
        try:
            value = await self.function(**self._read(call.arguments))
        except BaseException as error:
            _fail(call, error)
            if not isinstance(error, Exception):
                raise
        else:
            _answer(call, value)

    def begin(self, call: ToolCall, loop: asyncio.AbstractEventLoop) -> None:
        """Lets `loop` answer one call; the task is cancelled when nobody waits any more."""

        def begin() -> None:
            task = loop.create_task(self.run_async(call))
            if not call.on_cancel(functools.partial(call_in, loop, task.cancel)):
                task.cancel()

        try:
            call_in(loop, begin)
        except RuntimeError as error:  # the loop is closed
            call.fail(f"tool `{call.tool}` cannot run: {error}")


def _answer(call: ToolCall, value: object) -> None:
    try:
        call.answer(dumps(value))
    except Exception as error:
        call.fail(f"tool `{call.tool}` gave a value that JSON cannot express: {_text(error)}")


def _fail(call: ToolCall, error: BaseException) -> None:
    try:
        call.fail(_text(error), dumps(getattr(error, "content", None)))
    except Exception:  # content that is no JSON
        call.fail(_text(error))


def _text(error: BaseException) -> str:
    """What the program is told: the error's own text, and never a traceback."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return (text or type(error).__name__).encode("utf-8", "backslashreplace").decode()


def call_in(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    """Calls `function` in `loop`: now if that is where this runs, else soon. Raises `RuntimeError` when it is closed."""
    if asyncio._get_running_loop() is loop:
        function()
    else:
        loop.call_soon_threadsafe(function)


#: What wakes an event loop, which holds it for as long as it goes on.
_INBOXES: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Inbox]] = weakref.WeakKeyDictionary()
if hasattr(os, "register_at_fork"):
    # A loop that goes on in the forked process wants one that is not its parent's too.
    os.register_at_fork(after_in_child=_INBOXES.clear)


def inbox_of(loop: asyncio.AbstractEventLoop) -> Inbox:
    """What there is to do in `loop`, which is not running elsewhere."""
    reference = _INBOXES.get(loop)
    inbox = None if reference is None else reference()
    if inbox is None:
        inbox = Inbox()
        try:
            # In a context of its own: what is called for one who asks is no business of who asked first.
            contextvars.Context().run(loop.add_reader, inbox.descriptor(), _take, inbox)
        except NotImplementedError:  # on Windows
            _start("conduit-host", _serve, inbox)
            weakref.finalize(loop, inbox.close).atexit = False
        _INBOXES[loop] = weakref.ref(inbox)
    return inbox


class Host:
    """The tools of one runtime, and what serves it: threads, and event loops."""

    def __init__(self, functions: Iterable[Callable[..., Any]]) -> None:
        self.tools = [HostTool(function, getattr(function, _OPTIONS, {})) for function in functions]
        #: Where asynchronous functions run.
        self.loop: Optional[asyncio.AbstractEventLoop] = None
        #: Ends the loop that is the runtime's own.
        self.stop: Callable[[], object] = lambda: None

    def start(self, config: Config, own_loop: bool) -> Runtime:
        """Makes core's runtime, and the threads that it needs: asynchronous functions may have a loop of their own."""
        inbox, kinds = Inbox(), [tool.is_async for tool in self.tools]
        # Weak: what core holds is never found to be garbage.
        dispatch = functools.partial(_dispatch, weakref.ref(self))
        native = Runtime(config, [(tool.json, tool.is_async) for tool in self.tools], dispatch, inbox)
        if not all(kinds):
            _start("conduit-host", _serve, inbox)
        if any(kinds) and own_loop:
            loop = asyncio.new_event_loop()
            try:
                self.serve_in(loop, native)
                _start("conduit-loop", _run_loop, loop)
            except BaseException:
                loop.close()
                raise
            self.stop = stop = weakref.finalize(self, _stop, loop)
            stop.atexit = False
        return native

    def serve_in(self, loop: asyncio.AbstractEventLoop, native: Runtime) -> None:
        """Has `loop`, which is not running elsewhere, run asynchronous functions."""
        if self.loop is not loop:
            native.serve(inbox_of(loop))
            self.loop = loop


def _dispatch(reference: weakref.ref[Host], call: ToolCall) -> None:
    """Has one call answered, unless there is nobody any more whose tool it is."""
    if (host := reference()) is None:
        return
    tool = host.tools[call.index]
    if tool.is_async:
        assert host.loop is not None
        tool.begin(call, host.loop)
    else:
        tool.run(call)


def _stop(loop: asyncio.AbstractEventLoop) -> None:
    try:
        call_in(loop, loop.stop)
    except RuntimeError:
        pass  # it has ended


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        if left := asyncio.all_tasks(loop):
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left))
    finally:
        loop.close()


def _start(name: str, function: Callable[..., None], *args: object) -> None:
    threading.Thread(target=function, args=args, name=name, daemon=True).start()


def _serve(inbox: Inbox) -> None:
    """Does what there is to do, until the inbox is closed. Whatever fails, the thread goes on."""
    while (job := inbox.next()) is not None:
        if inbox.is_deserted():
            try:
                _start("conduit-host", _serve, inbox)
            except RuntimeError:
                pass  # no more threads are to be had: further calls wait for this one
        # In a context of its own: what another call has set there, or who started the thread, is no business of this one.
        contextvars.Context().run(_do, job)
        del job  # or it would stay while the thread waits


def _take(inbox: Inbox) -> None:
    """Does what there is to do, in the event loop that watches the inbox."""
    for job in inbox.take():
        _do(job)


def _do(job: Union[ToolCall, Callable[[], object]]) -> None:
    try:
        if isinstance(job, ToolCall):
            job.dispatch(job)
        else:
            job()
    except Exception:
        pass  # its event loop is closed, so nobody waits there
