"""One run, from the program's source to its value."""

import ast
import builtins
import inspect
import linecache
import sys
import types
import zipfile
import __main__
import _strptime
import asyncio

import _conduit

from . import PROGRAM, plain, refused, report as reports, streams, tools, zones  # zones: only to be loaded
from .loop import callee, loop, result

program_globals = __main__.__dict__
report = reports.report
complete = tools.complete

#: Names that no program can write, see `loop.py`. Who lists built-in names passes over those that begin like this.
_CALLEE, _RESULT = "__<callee>", "__<result>"

#: What is not at top level any more: an `await` there would be another's.
_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)

#: The task of the program, when it awaits something; else its value.
_main = None
_value = None


def _await_runs(tree):
    """Makes `asyncio.run(main())` at top level, and its kin, an `await`. Without recursion: programs nest deep."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        for name, value in ast.iter_fields(node):
            children = value if isinstance(value, list) else [value]
            for index, child in enumerate(children):
                if not isinstance(child, ast.AST) or isinstance(child, _OWN_SCOPE):
                    continue
                nodes.append(child)
                if _is_run(child):
                    children[index] = _awaited(child)
            if not isinstance(value, list):
                setattr(node, name, children[0])
    return tree


def _is_run(node):
    called = node.func if isinstance(node, ast.Call) else None
    return (getattr(called, "attr", None) or getattr(called, "id", None)) in ("run", "run_until_complete")


def _awaited(call):
    def at(place, node):
        return ast.copy_location(node, place)

    function = call.func
    call.func = at(function, ast.Call(at(function, ast.Name(_CALLEE, ast.Load())), [function], []))
    return at(call, ast.Await(at(call, ast.Call(at(call, ast.Name(_RESULT, ast.Load())), [call], []))))


def prepare(source, given):
    """Before the program is compiled; gives the syntax tree to compile when it is not the source's own."""
    program_globals["input"] = None if given == "null" else tools.parse(given)
    linecache.cache[PROGRAM] = (lambda: source,)
    if "\0" in source:
        raise SyntaxError("the program contains a null byte")
    if "run(" not in source and "run_until_complete(" not in source:
        return None
    try:
        return _await_runs(ast.parse(source, PROGRAM))
    except (MemoryError, RecursionError):
        # Nested too deep to be looked through; the compiler may take it all the same.
        return None


def begin(value):
    """Takes what the program's code gave: its value, or what is to be awaited for it."""
    global _main, _value
    if inspect.isawaitable(value):
        _main = asyncio.ensure_future(value, loop=loop)
    else:
        _main, _value = None, value


def run():
    """Runs on as far as it goes: `(value,)` at the end, else when the next timer is due."""
    while True:
        loop.drain(_main)
        if _main is not None and _main.done():
            begin(_main.result())
            continue
        if _main is None and not tools.pending():
            _raise_unhandled()
            return (_value,)
        if not loop.take_due():
            return loop.next_timer()


def _raise_unhandled():
    """What went wrong and nobody has noticed."""
    call = tools.forgotten()
    if call is not None:
        raise call.forgotten()
    for task in list(asyncio.tasks._scheduled_tasks):
        if task.done() and not task.cancelled() and task._log_traceback:
            raise task.exception()
    if loop.unhandled:
        raise loop.unhandled[0]


def _set_up():
    asyncio._set_running_loop(loop)
    sys.set_asyncgen_hooks(firstiter=loop._asyncgen_firstiter_hook, finalizer=loop._asyncgen_finalizer_hook)
    sys.argv = [PROGRAM]
    sys.modules["tools"] = tools.tools
    _conduit.set_json(plain.plain, plain.key_text, plain.Inexpressible)
    refused.install()
    for module in (_strptime, zipfile):
        # Their warnings pass over the frames of their own folder. Frozen modules have none: over all frozen ones.
        module.__file__ = "<frozen /"
    for name in ("ToolError", "call_tool", "search_tools", "describe_tool", "list_tools", "tools"):
        setattr(builtins, name, getattr(tools, name))
    builtins.input = streams.ask
    builtins.exit = builtins.quit = sys.exit
    setattr(builtins, _CALLEE, callee)
    setattr(builtins, _RESULT, result)
    # The program's own: what it overrides there is in nobody else's way.
    own = types.ModuleType("builtins")
    own.__dict__.update(builtins.__dict__)
    program_globals["__builtins__"] = sys.modules["builtins"] = own


_set_up()
