"""`tools`, calls by name, and the calls that wait for the host."""

import asyncio
import json
import sys
from collections.abc import Coroutine, Mapping

import _conduit

from . import PROGRAM
from .loop import loop
from .report import place

CALL, CALL_FULL, SEARCH, DESCRIBE, LIST = range(5)

#: The parser and the futures of the interpreter itself, whatever a program puts in their places.
_scan = json.JSONDecoder().scan_once
_Future = asyncio.Future

#: Futures of the calls that the host has not answered, by its ids.
_waiting = {}
#: Calls that nobody has awaited yet, in the order in which they were made.
_unawaited = {}


class ToolError(Exception):
    """A call that was refused, or that failed. `content` is what the tool said of it, `None` when it said nothing."""

    def __init__(self, message="", code=None, tool=None, content=None):
        super().__init__(message)
        self.message = message
        self.code = code
        self.tool = tool
        self.content = content


ToolError.__module__ = "builtins"


def _is_private(name):
    """Python's own names begin with `_`; a tool called `3d` is `_3d`."""
    return name.startswith("_") and not name[1:2].isdigit()


def _line():
    """The program's line that is being executed."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename != PROGRAM:
        frame = frame.f_back
    return frame.f_lineno if frame is not None else 0


class ToolCall(Coroutine):
    """One call. It goes out when it is first awaited; until then it is nothing that a program could use."""

    __slots__ = ("_kind", "_name", "_arguments", "_label", "_line", "_steps", "__weakref__")

    def __init__(self, kind, name, arguments, label):
        self._kind = kind
        self._name = name
        self._arguments = arguments
        self._label = label
        self._line = _line()
        self._steps = None
        _unawaited[id(self)] = self

    def __await__(self):
        _unawaited.pop(id(self), None)
        if self._steps is not None:
            raise RuntimeError(f"`{self._label}` is awaited a second time: keep its result, or make another call")
        self._steps = self._call()
        return self._steps

    def _call(self):
        future = _Future(loop=loop)
        try:
            _waiting[_conduit.submit(self._kind, self._name, self._arguments)] = future
            self._arguments = None
            return (yield from future)
        except Exception as error:
            place(error, self._line)
            raise

    def send(self, value):
        return (self._steps or self.__await__()).send(value)

    def throw(self, *error):
        return (self._steps or self.__await__()).throw(*error)

    def close(self):
        _unawaited.pop(id(self), None)
        if self._steps is not None:
            self._steps.close()

    def forgotten(self):
        message = f"`{self._label}` was never awaited, so it was not called: write `await {self._label}`"
        return place(RuntimeError(message), self._line)

    def __repr__(self):
        return f"<call of {self._label}>"

    def _misused(self, *ignored):
        # Told once, where it happened.
        _unawaited.pop(id(self), None)
        raise TypeError(f"`{self._label}` gives its result when it is awaited: write `await {self._label}`")

    def __getattr__(self, name):
        if name.startswith("_") or name.startswith(("cr_", "gi_")):
            raise AttributeError(name)
        self._misused()

    __getitem__ = __setitem__ = __iter__ = __len__ = __contains__ = __bool__ = __str__ = __format__ = _misused
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _misused
    __lt__ = __gt__ = __le__ = __ge__ = __int__ = __float__ = __index__ = _misused


class Tool:
    """One tool, by the name that the program gave it; whether there is one, the host knows."""

    __slots__ = ("_name",)

    def __init__(self, name):
        object.__setattr__(self, "_name", name)

    def __call__(self, *args, **kwargs):
        label = f"tools.{self._name}(...)"
        return ToolCall(CALL, self._name, _arguments(label, args, kwargs), label)

    def __repr__(self):
        return f"<tool {self._name}>"

    def __setattr__(self, name, value):
        raise AttributeError("`tools` is read-only")


class Upstream:
    __slots__ = ("_name", "_made")

    def __init__(self, name):
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_made", {})

    def __getattr__(self, name):
        if _is_private(name):
            raise AttributeError(f"`tools.{self._name}` has no tool `{name}`: reach a tool of this name by call_tool()")
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = Tool(f"{self._name}.{name}")
        return made

    def __call__(self, *args, **kwargs):
        raise TypeError(f"`tools.{self._name}` is an upstream: call one of its tools, as in await tools.upstream.tool(...)")

    def __repr__(self):
        return f"<upstream {self._name}>"

    def __setattr__(self, name, value):
        raise AttributeError("`tools` is read-only")

    __delattr__ = lambda self, name: self.__setattr__(name, None)


class Tools:
    __slots__ = ("_made",)

    def __init__(self):
        object.__setattr__(self, "_made", {})

    def __getattr__(self, name):
        if _is_private(name):
            raise AttributeError(f"`tools` has no upstream `{name}`: reach a tool of such a one by call_tool()")
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = Upstream(name)
        return made

    def __dir__(self):
        return sorted(parse(_conduit.upstream_names()))

    def __repr__(self):
        return "<tools: await tools.upstream.tool(...)>"

    def __setattr__(self, name, value):
        raise AttributeError("`tools` is read-only")

    __delattr__ = lambda self, name: self.__setattr__(name, None)


tools = Tools()


def _arguments(label, args, kwargs):
    if not args:
        return kwargs
    if len(args) > 1 or kwargs or not isinstance(args[0], Mapping):
        raise TypeError(f"`{label}` takes keyword arguments, or one dict with all of them")
    # A copy: the program may use its dict again before the call goes out.
    return dict(args[0])


def call_tool(name, /, *args, full=False, **kwargs):
    """Calls a tool by its name. `full` asks for the whole MCP result instead of its value."""
    label = f"call_tool({_text(name, 'upstream.tool')!r}, ...)"
    return ToolCall(CALL_FULL if full else CALL, name, _arguments(label, args, kwargs), label)


def search_tools(query, /):
    """The tools that fit a query best."""
    return ToolCall(SEARCH, "", _text(query, "create an issue"), "search_tools(...)")


def describe_tool(name, /):
    """What a tool takes and gives."""
    return ToolCall(DESCRIBE, _text(name, "upstream.tool"), None, f"describe_tool({name!r})")


def list_tools():
    """All tools that the program may call."""
    return ToolCall(LIST, "", None, "list_tools()")


def _text(value, example):
    if not isinstance(value, str):
        raise TypeError(f"the first argument must be a str, such as {example!r}, not {type(value).__name__}")
    return value


def parse(text):
    """JSON of the host."""
    return _scan(text, 0)[0]


def complete(call, is_value, reply):
    """The host has answered. Who has stopped waiting hears nothing of it."""
    future = _waiting.pop(call, None)
    if future is None or future.done():
        return
    value = parse(reply)
    if is_value:
        future.set_result(value)
    else:
        future.set_exception(ToolError(value.get("message"), value.get("code"), value.get("tool"), value.get("content")))


def pending():
    """Whether a call is out that somebody still waits for."""
    for call, future in list(_waiting.items()):
        if not future.done():
            return True
        del _waiting[call]
    return False


def forgotten():
    """The first call that nobody has awaited, or `None`."""
    return next(iter(_unawaited.values()), None)
