"""One run, from the program's source to its value."""

import ast
import builtins
import inspect
import linecache
import sys
import types
import __main__
import asyncio

import _conduit

from . import PROGRAM, plain, refused, report as reports, streams, tools, zones  # zones: only to be loaded
from .loop import loop, run_at_top_level

program_globals = __main__.__dict__
report = reports.report
complete = tools.complete

#: What a call at top level becomes that would wait inside of itself.
_RUN = "<run>"

#: The task of the program, when it awaits something; else its value.
_main = None
_value = None


class _AwaitRuns(ast.NodeTransformer):
    """Makes `asyncio.run(main())` at top level, and its kin, an `await`."""

    def visit_FunctionDef(self, node):
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = visit_FunctionDef
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_FunctionDef

    def visit_Call(self, node):
        self.generic_visit(node)
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        if name not in ("run", "run_until_complete"):
            return node
        run = ast.copy_location(ast.Name(_RUN, ast.Load()), node.func)
        call = ast.copy_location(ast.Call(run, [node.func, *node.args], node.keywords), node)
        return ast.copy_location(ast.Await(call), node)


def prepare(source, given):
    """Before the program is compiled; gives the syntax tree to compile when it is not the source's own."""
    program_globals["input"] = None if given == "null" else tools.parse(given)
    linecache.cache[PROGRAM] = (lambda: source,)
    if "\0" in source:
        raise SyntaxError("the program contains a null byte")
    if "run(" not in source and "run_until_complete(" not in source:
        return None
    try:
        return _AwaitRuns().visit(ast.parse(source, PROGRAM))
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
    sys.argv = [PROGRAM]
    _conduit.set_json(plain.plain, plain.key_text, plain.Inexpressible)
    refused.install()
    for name in ("ToolError", "call_tool", "search_tools", "describe_tool", "list_tools", "tools"):
        setattr(builtins, name, getattr(tools, name))
    builtins.input = streams.ask
    builtins.exit = builtins.quit = sys.exit
    setattr(builtins, _RUN, run_at_top_level)
    # The program's own: what it overrides there is in nobody else's way.
    own = types.ModuleType("builtins")
    own.__dict__.update(builtins.__dict__)
    program_globals["__builtins__"] = sys.modules["builtins"] = own


_set_up()
