"""Conduit for LangChain: tools as the host tools of one tool `execute`, for `create_agent`.

    from conduit.langchain import code_mode

    middleware = [...]
    with code_mode([orders, refund], middleware=middleware) as mode:
        agent = create_agent(model, tools=mode.tools, middleware=middleware)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import (
    AgentMiddleware,
    AutoModeMiddleware,
    HumanInTheLoopMiddleware,
    LLMToolEmulator,
    ToolCallLimitMiddleware,
    ToolErrorMiddleware,
    ToolRetryMiddleware,
)
from langchain_core.tools import BaseTool

from ._code_mode import CodeMode, Options, refused
from .langgraph import ToolLike, _code_mode

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: Those that wrap calls of tools and guard none but what `_guard` asks them about.
_KNOWN = (
    AgentMiddleware,
    AutoModeMiddleware,
    HumanInTheLoopMiddleware,
    LLMToolEmulator,
    ToolErrorMiddleware,
    ToolRetryMiddleware,
)
_BESIDE = "give the tool to the agent beside `execute`"


def code_mode(
    tools: Sequence[ToolLike],
    *,
    middleware: Sequence[AgentMiddleware[Any, Any, Any]] = (),
    **options: Unpack[Options],
) -> CodeMode[BaseTool]:
    """Makes tools of an agent the host tools of one tool `execute`.

    `middleware` is the agent's own: it sees `execute`, and not what programs call. So a tool that it has people
    approve, counts or emulates is refused, and so is any tool beside middleware that is not known and wraps calls of
    tools: give such tools to the agent beside `execute`. Calls run with the config of the `execute` that they belong
    to: callbacks, tags, `configurable`, and in its task or with its contextvars.
    Raises `ConduitError` for those tools, and for one with injected arguments (see `conduit.langgraph`). A tool that
    asks a person by `interrupt` fails when it does.
    """
    for tool in tools:
        if isinstance(tool, dict):
            raise refused(str(tool.get("name", tool.get("type"))), "the model's provider runs it")
        name = str(getattr(tool, "name", None) or getattr(tool, "__name__", ""))
        for each in middleware:
            if why := _guard(each, name):
                raise refused(name, why)
    return _code_mode(tools, False, options)


def _guard(middleware: AgentMiddleware[Any, Any, Any], tool: str) -> str:
    it = f"`{type(middleware).__name__}`"
    # SECURITY: what a person or a guard must see before it runs is not run unseen by a program.
    if isinstance(middleware, HumanInTheLoopMiddleware) and middleware.interrupt_on.get(tool):
        return f"a person must approve it ({it}); {_BESIDE}"
    if isinstance(middleware, AutoModeMiddleware) and tool in middleware._tool_names:
        return f"a model must approve it ({it}); {_BESIDE}"
    if isinstance(middleware, ToolCallLimitMiddleware) and middleware.tool_name in (None, tool):
        return f"its calls are counted ({it}); {_BESIDE}"
    if isinstance(middleware, LLMToolEmulator) and (middleware.emulate_all or tool in middleware.tools_to_emulate):
        return f"a model stands in for it ({it}); {_BESIDE}"
    # SECURITY: middleware that nobody knows may be a guard; a program's calls would pass it by.
    for method in ("wrap_tool_call", "awrap_tool_call"):
        if all(getattr(type(middleware), method) is not getattr(known, method) for known in _KNOWN):
            why = f"middleware {it} wraps its calls (`{method}`), and those of programs pass it by"
            return f"{why}; {_BESIDE}, or the middleware to the agent alone if the tool does without"
    return ""
