"""Conduit for the OpenAI Agents SDK: function tools as the host tools of one tool `execute`.

    from conduit.openai_agents import code_mode

    with code_mode([orders, refund]) as mode:
        agent = Agent(name="Support", tools=mode.tools)
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from agents import FunctionTool, ToolOutputFileContent, ToolOutputImage, ToolOutputText, function_tool
from agents.agent import AgentBase
from agents.tool import (
    Tool,
    invoke_function_tool,
    maybe_invoke_function_tool_failure_error_function,
    set_function_tool_failure_error_function,
)
from agents.tool_context import ToolContext

from ._code_mode import CODE, CodeMode, InnerTool, Options, Programs, refused
from ._errors import ConduitError
from ._json import dumps

if TYPE_CHECKING:
    from typing_extensions import Unpack


def code_mode(tools: Sequence[Tool], **options: Unpack[Options]) -> CodeMode[Tool]:
    """Makes function tools the host tools of one tool `execute`.

    Calls run with the context of the `execute` that they belong to: the run's context, its usage, in its task. Raises
    `ConduitError` for a tool that needs approval, has guardrails, is an agent, or is run by the provider or the runner:
    give such tools to the agent beside `execute`.
    """
    enabled = [tool for tool in tools if getattr(tool, "is_enabled", True) is not False]
    programs = Programs([_inner_tool(tool) for tool in enabled], **options)

    async def execute(context: ToolContext[Any], code: Annotated[str, CODE]) -> str:
        return dumps(await programs.arun(code, context))

    # The SDK reads annotations as objects.
    execute.__annotations__.update(context=ToolContext[Any], code=Annotated[str, CODE])
    tool = function_tool(
        execute, name_override=programs.name, description_override=programs.description, use_docstring_info=False
    )
    return CodeMode([tool], programs)


def _inner_tool(tool: Tool) -> InnerTool:
    # SECURITY: only the SDK's runner asks for approval and runs guardrails; what it must see is not run without it.
    if not isinstance(tool, FunctionTool):
        raise refused(tool.name, "it is no function, so the model's provider or the runner runs it")
    if tool.needs_approval is not False:
        raise refused(tool.name, "a person must approve it (`needs_approval`)")
    if tool.tool_input_guardrails or tool.tool_output_guardrails:
        raise refused(tool.name, "it has guardrails, which only the runner runs")
    if tool._is_agent_tool:
        raise refused(tool.name, "it is an agent, for whose tools only the runner asks for approval")
    if tool.allowed_callers is not None and "programmatic" not in tool.allowed_callers:
        raise refused(tool.name, "its `allowed_callers` are without `programmatic`")
    # As it is, it would make an error a text like any other; a program is to catch it.
    raising = set_function_tool_failure_error_function(copy.copy(tool), None)
    raising.timeout_behavior = "raise_exception"

    async def call(arguments: dict[str, Any], outer: ToolContext[Any]) -> Any:
        if callable(tool.is_enabled):
            enabled = tool.is_enabled(outer, outer.agent or AgentBase(name=""))
            if not (enabled if isinstance(enabled, bool) else await enabled):
                raise ConduitError(f"tool `{tool.name}` is not enabled", "tool_failed")
        text = json.dumps(arguments)
        call_id = f"{outer.tool_call_id}.{uuid.uuid4()}"
        context = ToolContext.from_agent_context(outer, call_id, tool_name=tool.name, tool_arguments=text)
        try:
            return _value(tool.name, await invoke_function_tool(function_tool=raising, context=context, arguments=text))
        except Exception as error:
            if tool._use_default_failure_error_function:
                raise
            said = await maybe_invoke_function_tool_failure_error_function(
                function_tool=tool, context=context, error=error
            )
            raise ConduitError(str(error) if said is None else said, "tool_failed") from error

    return InnerTool(
        tool.name, tool.description or None, tool.params_json_schema, acall=call, output_schema=tool.output_json_schema
    )


def _value(tool: str, value: Any) -> Any:
    if isinstance(value, ToolOutputText):
        return value.text
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, (ToolOutputImage, ToolOutputFileContent)) for item in items):
        raise ConduitError(f"tool `{tool}` gave an image or a file, which a program cannot read", "tool_failed")
    return value
