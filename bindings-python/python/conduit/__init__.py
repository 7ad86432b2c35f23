"""Conduit: a model's program runs in a fresh WebAssembly sandbox under hard limits, and calls tools.

    with Runtime(policy={"allow": ["host.*"]}) as runtime:
        @runtime.tool
        def add(a: int, b: int) -> int:
            "Adds two numbers."
            return a + b

        result = runtime.execute("return await tools.host.add(a=1, b=2)", language="python")
        result.raise_for_outcome()
        print(result.value)
"""

from ._errors import Cancelled, ConduitError, ExecutionError, LimitExceeded, ProgramFailed
from ._host_tools import tool
from ._result import ExecutionResult
from ._runtime import AsyncExecution, AsyncRuntime, Execution, Runtime
from ._types import (
    Described,
    ErrorCode,
    Event,
    EventStderr,
    EventStdout,
    EventToolCallEnded,
    EventToolCallStarted,
    Found,
    GuestError,
    Language,
    Limit,
    Limits,
    Outcome,
    OutcomeCancelled,
    OutcomeCompleted,
    OutcomeFailed,
    OutcomeLimitExceeded,
    Tool,
    ToolCallRecord,
    ToolError,
    UpstreamStatus,
    Usage,
)

__all__ = [
    "AsyncExecution",
    "AsyncRuntime",
    "Cancelled",
    "ConduitError",
    "Described",
    "ErrorCode",
    "Event",
    "EventStderr",
    "EventStdout",
    "EventToolCallEnded",
    "EventToolCallStarted",
    "Execution",
    "ExecutionError",
    "ExecutionResult",
    "Found",
    "GuestError",
    "Language",
    "Limit",
    "LimitExceeded",
    "Limits",
    "Outcome",
    "OutcomeCancelled",
    "OutcomeCompleted",
    "OutcomeFailed",
    "OutcomeLimitExceeded",
    "ProgramFailed",
    "Runtime",
    "Tool",
    "ToolCallRecord",
    "ToolError",
    "UpstreamStatus",
    "Usage",
    "tool",
]
