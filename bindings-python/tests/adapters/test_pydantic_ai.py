"""`conduit.pydantic_ai`, through pydantic-ai's own agent loop and a model that is a function."""

import asyncio
import dataclasses
import threading
import unittest
from typing import Annotated
from unittest.mock import patch

from pydantic import AfterValidator
from pydantic_ai import Agent, BinaryContent, ModelRetry, RunContext, Tool, ToolReturn
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.native_tools import WebSearchTool
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults, ToolDefinition
from pydantic_ai.toolsets import ExternalToolset, FunctionToolset

from conduit import ConduitError
from conduit._code_mode import Programs
from conduit.pydantic_ai import CodeMode, code_mode

PATIENCE = 60


@dataclasses.dataclass
class Deps:
    user: str


def odd(count: int) -> int:
    if count % 2 == 0:
        raise ValueError(f"{count} is even")
    return count


class Script:
    """A model that calls `execute` with one program a turn, and then says `done`, or what it has read."""

    def __init__(self, *programs, repeats=False):
        self.programs = programs
        self.repeats = repeats

    def model(self):
        return FunctionModel(self.turn)

    def turn(self, messages, info):
        self.tools = info.function_tools
        turns = sum(isinstance(message, ModelResponse) for message in messages)
        if turns == len(self.programs):
            return ModelResponse([TextPart(str(messages[-1].parts[-1].content) if self.repeats else "done")])
        return ModelResponse([ToolCallPart("execute", {"code": self.programs[turns]})])


def results(run):
    """What the model read of its calls."""
    return [part.content for message in run.all_messages() for part in message.parts if part.part_kind == "tool-return"]


class PydanticAi(unittest.IsolatedAsyncioTestCase):
    async def run_programs(self, tools, *programs, deps=None, **options):
        mode = code_mode(tools, **options)
        self.addCleanup(mode.close)
        self.script = Script(*programs)
        agent = Agent(self.script.model(), toolsets=[mode], deps_type=Deps)
        return await agent.run("How much?", deps=deps)

    async def test_a_program_calls_tools_at_once_and_the_model_sees_its_value(self):
        both = asyncio.Barrier(2)

        async def price(item: str) -> dict[str, int]:
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
        run = await self.run_programs([price], code)
        (execute,) = self.script.tools
        self.assertIn("Runs one Python 3.13 program in a fresh sandbox", execute.description)
        self.assertIn("async def price(self, *, item: str)", execute.description)
        self.assertEqual(list(execute.parameters_json_schema["properties"]), ["code"])
        self.assertEqual(results(run), [{"value": 950, "stdout": "asked 2\n"}])
        self.assertEqual(run.output, "done")

    async def test_the_model_corrects_its_program(self):
        run = await self.run_programs([], "return 1 +", "return nothing", "return 2")
        syntax, name, completed = results(run)
        self.assertTrue(syntax["error"].startswith("SyntaxError: "), syntax)
        self.assertIn("NameError: name 'nothing' is not defined (line 1)", name["error"])
        self.assertEqual(completed, {"value": 2})

    async def test_errors_can_be_caught_and_arguments_are_validated_by_pydantic_ai(self):
        def count(number: Annotated[int, AfterValidator(odd)]) -> int:
            """Counts."""
            if number == 3:
                raise ModelRetry("not three")
            return number

        code = """
async def caught(number):
    try:
        return await tools.host.count(number=number)
    except ToolError as error:
        return str(error)
return [await caught(1), await caught(3), await caught(4)]
"""
        (found,) = results(await self.run_programs([count], code))
        one, three, four = found["value"]
        self.assertEqual((one, three), (1, "not three"))
        self.assertIn("4 is even", four)

    async def test_calls_have_the_context_of_their_run_and_runs_are_apart(self):
        both = asyncio.Barrier(2)

        async def who(ctx: RunContext[Deps]) -> list[str]:
            """Who asks."""
            async with asyncio.timeout(PATIENCE):
                await both.wait()
            return [ctx.deps.user, ctx.tool_name, ctx.prompt]

        mode = code_mode([who])
        self.addCleanup(mode.close)
        script = Script("return await tools.host.who()")
        agent = Agent(script.model(), toolsets=[mode], deps_type=Deps)
        ann, bob = await asyncio.gather(
            agent.run("1", deps=Deps("ann")), agent.run("2", deps=Deps("bob"))
        )
        self.assertEqual(results(ann), [{"value": ["ann", "who", "1"]}])
        self.assertEqual(results(bob), [{"value": ["bob", "who", "2"]}])
        self.assertEqual(len(mode._known._latest), 1)

    async def test_closing_ends_whatever_was_made(self):
        made, ways = [], {"close": lambda mode: asyncio.to_thread(mode.close), "aclose": CodeMode.aclose}

        class Recorded(Programs):
            def __init__(self, *tools, **options):
                super().__init__(*tools, **options)
                made.append(self)
                # Whoever comes first waits for the others, so that both make one.
                if len(made) <= 2:
                    both.wait()

        def prepare(ctx, definition):
            return dataclasses.replace(definition, name=f"for_{ctx.deps.user}")

        async def run(user):
            agent = Agent(Script("return 1").model(), toolsets=[mode], deps_type=Deps)
            self.assertEqual(results(await agent.run("?", deps=Deps(user))), [{"value": 1}])

        for name, close in ways.items():
            with self.subTest(name), patch("conduit.pydantic_ai.Programs", Recorded), patch("conduit.pydantic_ai.KNOWN", 1):
                made.clear()
                both = threading.Barrier(2, timeout=PATIENCE)
                mode = code_mode([Tool(odd, prepare=prepare)])
                await asyncio.gather(run("ann"), run("ann"))
                await run("bob")
                self.assertEqual(len(made), 3)
                await close(mode)
                self.assertEqual([programs.runtime._closed for programs in made], [True] * 3)
                with self.assertRaises(ConduitError) as caught:
                    await run("eve")
                self.assertEqual(caught.exception.code, "shut_down")
                self.assertTrue(made[-1].runtime._closed)

    async def test_a_tool_that_runs_alone_from_now_on_does(self):
        def prepare(ctx, definition):
            return dataclasses.replace(definition, sequential=ctx.deps.user == "ann")

        mode = code_mode([Tool(odd, prepare=prepare)])
        self.addCleanup(mode.close)
        for user in ("bob", "ann", "bob"):
            agent = Agent(Script("return 1").model(), toolsets=[mode], deps_type=Deps)
            await agent.run("?", deps=Deps(user))
        limits = [programs._limits and programs._limits.tool_calls_in_flight for programs in mode._known._latest.values()]
        self.assertEqual(limits, [None, 1])

    async def test_hooks_see_the_calls_of_programs(self):
        seen = []

        class Watch(AbstractCapability):
            async def before_tool_execute(self, ctx, *, call, tool_def, args):
                seen.append((call.tool_name, args))
                return args

        def add(a: int, b: int) -> int:
            """Adds."""
            return a + b

        mode = code_mode([add])
        self.addCleanup(mode.close)
        script = Script("return await tools.host.add(a=1, b=2)")
        run = await Agent(script.model(), toolsets=[mode], capabilities=[Watch()]).run("?")
        self.assertEqual(results(run), [{"value": 3}])
        self.assertEqual([name for name, _ in seen], ["execute", "add"])
        self.assertEqual(seen[1][1], {"a": 1, "b": 2})

    async def test_cancelling_the_run_ends_the_program_and_its_calls(self):
        begun, ended = asyncio.Event(), []

        async def hang() -> None:
            """Hangs."""
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        task = asyncio.create_task(self.run_programs([hang], "return await tools.host.hang()"))
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(ended, [True])

    async def test_toolsets_are_taken_and_may_list_others_for_each_step(self):
        def prepare(ctx, definition):
            return dataclasses.replace(definition, name=f"for_{ctx.deps.user}")

        def one() -> int:
            """One."""
            return 1

        more = FunctionToolset([Tool(one, prepare=prepare)])
        mode = code_mode([more.prefixed("my"), one])
        self.addCleanup(mode.close)
        for user in ("ann", "bob"):
            script = Script(f"return [await tools.host.one(), await tools.host.my_for_{user}()]")
            run = await Agent(script.model(), toolsets=[mode], deps_type=Deps).run("?", deps=Deps(user))
            self.assertEqual(results(run), [{"value": [1, 1]}])
        self.assertEqual(len(mode._known._latest), 2)

    async def test_tools_that_run_alone_run_one_by_one(self):
        under_way, most = [], []

        async def alone(n: int) -> int:
            """Runs alone."""
            under_way.append(n)
            most.append(len(under_way))
            await asyncio.sleep(0)
            under_way.remove(n)
            return n

        code = "import asyncio\nreturn await asyncio.gather(*(tools.host.alone(n=n) for n in range(8)))"
        (found,) = results(await self.run_programs([Tool(alone, sequential=True)], code))
        self.assertEqual(found, {"value": list(range(8))})
        self.assertEqual(most, [1] * 8)

    async def test_what_a_program_cannot_read_is_an_error_that_says_so(self):
        def picture() -> BinaryContent:
            """A picture."""
            return BinaryContent(b"x", media_type="image/png")

        def both() -> ToolReturn:
            """A value, and something for the model."""
            return ToolReturn(return_value={"n": 1}, content="more")

        code = "try:\n    await tools.host.picture()\nexcept ToolError as e:\n    print(e)\n"
        code += "return await tools.host.both()"
        (found,) = results(await self.run_programs([picture, both], code))
        said = "tool `picture` gave an image or a file, which a program cannot read\n"
        self.assertEqual(found, {"value": {"n": 1}, "stdout": said})

    async def test_tools_that_wait_for_somebody_are_refused(self):
        def pay() -> str:
            """Pays."""
            raise AssertionError("never run")

        def refused(words, *tools):
            with self.assertRaises(ConduitError) as caught:
                code_mode(tools)
            self.assertEqual(str(caught.exception), f"tool `{words}")

        approval = "pay` cannot be called by programs: a person must approve it (`requires_approval`)"
        refused(approval, Tool(pay, requires_approval=True))
        refused(approval, FunctionToolset([pay], requires_approval=True).prefixed("my"))
        whole = "FunctionToolset` cannot be called by programs: a person must approve it (`approval_required`)"
        refused(whole, FunctionToolset([pay]).approval_required().filtered(lambda ctx, definition: True))
        outside = "it is run outside of the agent's run, which a program cannot wait for"
        refused(f"pay` cannot be called by programs: {outside}", ExternalToolset([ToolDefinition(name="pay")]))
        refused("web_search` cannot be called by programs: the model's provider runs it", WebSearchTool())

        def approve(ctx, definition):
            return dataclasses.replace(definition, kind="unapproved")

        with self.assertRaises(ConduitError) as caught:
            await self.run_programs([Tool(pay, prepare=approve)], "return 1")
        self.assertEqual(str(caught.exception), f"tool `{approval}")

    async def test_an_approval_of_the_program_approves_none_of_its_calls(self):
        paid = []

        def pay(ctx: RunContext[Deps]) -> str:
            """Pays, when it is approved."""
            if not ctx.tool_call_approved:
                from pydantic_ai.exceptions import ApprovalRequired

                raise ApprovalRequired
            paid.append(True)

        mode = code_mode([pay])
        self.addCleanup(mode.close)
        script = Script("try:\n    return await tools.host.pay()\nexcept ToolError as error:\n    return str(error)")
        agent = Agent(
            script.model(), toolsets=[mode.approval_required()], output_type=[str, DeferredToolRequests], deps_type=Deps
        )
        first = await agent.run("?", deps=Deps("ann"))
        (asked,) = first.output.approvals
        answers = DeferredToolResults(approvals={asked.tool_call_id: True})
        run = await agent.run(message_history=first.all_messages(), deferred_tool_results=answers, deps=Deps("ann"))
        said = "tool `pay` waits for a person or another process, and a program cannot: it was not run to its end"
        self.assertEqual(results(run), [{"value": said}])
        self.assertEqual(paid, [])


if __name__ == "__main__":
    unittest.main()
