"""`conduit.openai_agents`, through the SDK's own runner and a scripted model."""

import asyncio
import dataclasses
import json
import unittest

from agents import (
    Agent,
    HostedMCPTool,
    LocalShellTool,
    RunConfig,
    RunContextWrapper,
    Runner,
    ToolGuardrailFunctionOutput,
    ToolOutputImage,
    ToolOutputText,
    WebSearchTool,
    function_tool,
    tool_input_guardrail,
    tool_output_guardrail,
)
from agents.items import ModelResponse
from agents.models.interface import Model
from agents.tool_context import ToolContext
from agents.usage import Usage
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from typing_extensions import TypedDict

from conduit import ConduitError
from conduit.openai_agents import code_mode

PATIENCE = 60


@dataclasses.dataclass
class Customer:
    name: str


class Cents(TypedDict):
    cents: int


class ScriptedModel(Model):
    """Calls `execute` with one program a turn, and then says `done`, or what it has read."""

    def __init__(self, *programs, repeats=False):
        self.programs = programs
        self.repeats = repeats

    async def get_response(self, system_instructions, input, model_settings, tools, *_, **__):
        self.tools = tools
        turns = 0 if isinstance(input, str) else sum(item.get("type") == "function_call" for item in input)
        if turns == len(self.programs):
            said = input[-1]["output"] if self.repeats else "done"
            text = ResponseOutputText(annotations=[], text=said, type="output_text")
            output = ResponseOutputMessage(id="m", content=[text], role="assistant", status="completed", type="message")
        else:
            arguments = json.dumps({"code": self.programs[turns]})
            output = ResponseFunctionToolCall(
                arguments=arguments, call_id=f"call_{turns}", name="execute", type="function_call"
            )
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *_, **__):
        raise NotImplementedError


async def run(mode, *programs, context=None):
    """What the model read of its calls, the last output, and the model."""
    model = ScriptedModel(*programs)
    agent = Agent(name="Buyer", model=model, tools=mode.tools)
    ran = await Runner.run(agent, "How much?", context=context, run_config=RunConfig(tracing_disabled=True))
    found = [item.output for item in ran.new_items if item.type == "tool_call_output_item"]
    return [json.loads(text) for text in found], ran.final_output, model


class OpenAiAgents(unittest.IsolatedAsyncioTestCase):
    def code_mode(self, *tools, **options):
        mode = code_mode(tools, **options)
        self.addCleanup(mode.close)
        return mode

    async def test_a_program_calls_tools_at_once_and_the_model_sees_its_value(self):
        both = asyncio.Barrier(2)

        @function_tool(output_type=Cents)
        async def price(item: str):
            """The price of an item."""
            async with asyncio.timeout(PATIENCE):
                await both.wait()
            return {"cents": {"tea": 250, "cup": 700}[item]}

        code = """
import asyncio
found = await asyncio.gather(tools.host.price(item="tea"), tools.host.price(item="cup"))
print("asked", len(found))
return sum(price["cents"] for price in found)
"""
        found, output, model = await run(self.code_mode(price), code)
        (execute,) = model.tools
        self.assertIn("Runs one Python 3.13 program in a fresh sandbox", execute.description)
        self.assertIn("async def price(self, *, item: str) -> ", execute.description)
        self.assertIn("cents: int", execute.description)
        self.assertEqual(execute.params_json_schema["required"], ["code"])
        self.assertEqual(execute.params_json_schema["properties"]["code"]["description"], "The program.")
        self.assertEqual(found, [{"value": 950, "stdout": "asked 2\n"}])
        self.assertEqual(output, "done")

    async def test_the_model_corrects_its_program(self):
        (failed, completed), output, _ = await run(self.code_mode(), "return nothing", "return 2")
        self.assertIn("NameError: name 'nothing' is not defined (line 1)", failed["error"])
        self.assertEqual(completed, {"value": 2})
        self.assertEqual(output, "done")

    async def test_errors_can_be_caught_and_arguments_are_validated_by_the_sdk(self):
        @function_tool
        def fail(n: int) -> int:
            """Fails."""
            raise LookupError(f"no {n}")

        @function_tool(failure_error_function=lambda context, error: f"said otherwise: {type(error).__name__}")
        def hide() -> int:
            """Fails, and does not say why."""
            raise LookupError("secret")

        @function_tool(timeout=0.01)
        async def slow() -> int:
            """Never answers."""
            await asyncio.Event().wait()

        code = """
async def caught(call):
    try:
        return await call
    except ToolError as error:
        return [error.code, str(error)]
return [await caught(tools.host.fail(n=3)), await caught(tools.host.hide()), await caught(tools.host.slow())]
"""
        (found,), _, _ = await run(self.code_mode(fail, hide, slow), code)
        fail, hide, slow = found["value"]
        self.assertEqual(fail, ["tool_failed", "no 3"])
        self.assertEqual(hide, ["tool_failed", "said otherwise: LookupError"])
        self.assertEqual(slow[0], "tool_failed")
        self.assertIn("timed out after 0.01 seconds", slow[1])

    async def test_calls_have_the_context_of_their_run_and_runs_are_apart(self):
        both = asyncio.Barrier(2)

        @function_tool
        async def who(context: RunContextWrapper[Customer]) -> list[str]:
            """Who asks."""
            async with asyncio.timeout(PATIENCE):
                await both.wait()
            return [context.context.name]

        @function_tool
        async def call(context: ToolContext[Customer]) -> list[str]:
            """Which call this is."""
            return [context.tool_name, context.tool_arguments]

        mode = self.code_mode(who, call)
        code = "return [*await tools.host.who(), *await tools.host.call()]"
        ann, bob = await asyncio.gather(
            run(mode, code, context=Customer("ann")), run(mode, code, context=Customer("bob"))
        )
        self.assertEqual(ann[0], [{"value": ["ann", "call", "{}"]}])
        self.assertEqual(bob[0], [{"value": ["bob", "call", "{}"]}])

    async def test_cancelling_the_run_ends_the_program_and_its_calls(self):
        begun, ended = asyncio.Event(), []

        @function_tool
        async def hang() -> str:
            """Hangs."""
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        mode = self.code_mode(hang)
        task = asyncio.create_task(run(mode, "return await tools.host.hang()"))
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        while mode._programs._runs:  # the runner does not wait for its tools
            await asyncio.sleep(0)
        self.assertEqual(ended, [True])

    async def test_arguments_of_execute_are_validated(self):
        @function_tool
        def never() -> str:
            """Never called."""

        model = ScriptedModel(3)
        mode = self.code_mode(never)
        agent = Agent(name="Buyer", model=model, tools=mode.tools)
        ran = await Runner.run(agent, "?", run_config=RunConfig(tracing_disabled=True))
        (said,) = [item.output for item in ran.new_items if item.type == "tool_call_output_item"]
        self.assertTrue(said.startswith("An error occurred while running the tool."), said)

    async def test_texts_are_values_and_images_are_not(self):
        @function_tool
        def text() -> ToolOutputText:
            """A text."""
            return ToolOutputText(text='{"n": 1}')

        @function_tool
        def image() -> ToolOutputImage:
            """An image."""
            return ToolOutputImage(image_url="data:image/png;base64,eA==")

        code = "try:\n    await tools.host.image()\nexcept ToolError as e:\n    print(e)\n"
        code += "return await tools.host.text()"
        (found,), _, _ = await run(self.code_mode(text, image), code)
        said = "tool `image` gave an image or a file, which a program cannot read\n"
        self.assertEqual(found, {"value": '{"n": 1}', "stdout": said})

    async def test_tools_are_there_when_the_sdk_says_so(self):
        def only_for_ann(context, agent):
            return context.context.name == "ann" and agent.name == "Buyer"

        @function_tool(is_enabled=only_for_ann)
        def secret() -> str:
            """For Ann."""
            return "secret"

        @function_tool(is_enabled=False)
        def gone() -> str:
            """For nobody."""

        code = "try:\n    return await tools.host.secret()\nexcept ToolError as error:\n    return str(error)"
        mode = self.code_mode(secret, gone)
        self.assertNotIn("gone", mode.tools[0].description)
        self.assertEqual((await run(mode, code, context=Customer("ann")))[0], [{"value": "secret"}])
        said = "tool `secret` is not enabled"
        self.assertEqual((await run(mode, code, context=Customer("bob")))[0], [{"value": said}])

    async def test_tools_that_only_the_runner_can_run_are_refused(self):
        def refused(words, tool):
            with self.assertRaises(ConduitError) as caught:
                self.code_mode(tool)
            self.assertEqual(caught.exception.code, "invalid_config")
            self.assertEqual(str(caught.exception).partition(" cannot be called by programs: ")[2], words)

        @tool_input_guardrail
        def before(data):
            return ToolGuardrailFunctionOutput.allow()

        @tool_output_guardrail
        def after(data):
            return ToolGuardrailFunctionOutput.allow()

        async def sometimes(context, arguments, call_id):
            return True

        def pay() -> str:
            """Pays."""
            raise AssertionError("never run")

        approval = "a person must approve it (`needs_approval`)"
        refused(approval, function_tool(pay, needs_approval=True))
        refused(approval, function_tool(pay, needs_approval=sometimes))
        guards = "it has guardrails, which only the runner runs"
        refused(guards, function_tool(pay, tool_input_guardrails=[before]))
        refused(guards, function_tool(pay, tool_output_guardrails=[after]))
        agent = Agent(name="Other").as_tool(tool_name="other", tool_description="Another agent.")
        refused("it is an agent, for whose tools only the runner asks for approval", agent)
        hosted = "it is no function, so the model's provider or the runner runs it"
        refused(hosted, WebSearchTool())
        refused(hosted, HostedMCPTool(tool_config={"type": "mcp", "server_label": "x", "require_approval": "always"}))
        refused(hosted, LocalShellTool(executor=lambda request: ""))
        direct = function_tool(pay, allowed_callers=["direct"])
        refused("its `allowed_callers` are without `programmatic`", direct)
        self.code_mode(function_tool(pay, allowed_callers=["programmatic"]))


if __name__ == "__main__":
    unittest.main()
