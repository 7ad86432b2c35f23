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

from ._async_runtime import AsyncExecution as AsyncExecution
from ._async_runtime import AsyncRuntime as AsyncRuntime
from ._conduit import guide as guide
from ._errors import ConduitError as ConduitError
from ._host_tools import CurrentCall as CurrentCall
from ._host_tools import current_call as current_call
from ._host_tools import tool as tool
from ._result import Cancelled as Cancelled
from ._result import ExecutionError as ExecutionError
from ._result import ExecutionResult as ExecutionResult
from ._result import LimitExceeded as LimitExceeded
from ._result import ProgramFailed as ProgramFailed
from ._sync_runtime import Execution as Execution
from ._sync_runtime import Runtime as Runtime
from ._types import *  # noqa: F403
