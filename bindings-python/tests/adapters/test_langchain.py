"""`conduit.langchain`, through LangChain's own agent loop and a scripted model."""

import asyncio
import contextvars
import json
import threading
import unittest

from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    AutoModeMiddleware,
    HumanInTheLoopMiddleware,
    LLMToolEmulator,
    ModelCallLimitMiddleware,
    ToolCallLimitMiddleware,
    ToolRetryMiddleware,
    wrap_tool_call,
)
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.prebuilt import InjectedState, ToolRuntime
from langgraph.types import Command, interrupt
from pydantic import AfterValidator, BaseModel
from typing_extensions import Annotated

from chat_model import ScriptedModel, call, results
from conduit import ConduitError, Limits
from conduit.langchain import code_mode

PATIENCE = 60
SUM = """
import asyncio
found = await asyncio.gather(tools.host.price(item="tea"), tools.host.price(item="cup"))
print("asked", len(found))
return sum(price["cents"] for price in found)
"""
USER = contextvars.ContextVar("user", default="nobody")


class Asked(BaseModel):
    item: str


@tool(args_schema=Asked)
def price(item):
    """The price of an item."""
    return {"item": item, "cents": {"tea": 250, "cup": 700}[item]}


@tool
async def aprice(item: str) -> dict:
    """The price of an item."""
    return {"cents": len(item)}


def run(mode, programs, **options):
    """The agent's last state, after the model has called `execute` with these programs, one a turn."""
    model = ScriptedModel(turns=[*(call("execute", code=code) for code in programs), "done"])
    agent = create_agent(model, tools=mode.tools)
    state = agent.invoke({"messages": [("user", "How much?")]}, **options)
    return model, state


class LangChain(unittest.TestCase):
    def test_a_program_calls_tools_at_once_and_the_model_sees_its_value(self):
        both = threading.Barrier(2, timeout=PATIENCE)

        @tool
        def price(item: str) -> dict:
            """The price of an item."""
            both.wait()
            return {"cents": {"tea": 250, "cup": 700}[item]}

        with code_mode([price]) as mode:
            model, state = run(mode, [SUM])
        (description,) = model.descriptions
        self.assertIn("Runs one Python 3.13 program in a fresh sandbox", description)
        self.assertIn("async def price(self, *, item: str) -> Any:", description)
        self.assertIn("The price of an item.", description)
        self.assertEqual(model.parameters, [{"code": {"description": "The program.", "type": "string"}}])
        self.assertEqual(results(state), [{"value": 950, "stdout": "asked 2\n"}])
        self.assertEqual(state["messages"][-1].content, "done")

    def test_the_model_corrects_its_program(self):
        broken = "print(1)\nreturn (await tools.host.price(item='tea'))['price']"
        with code_mode([price], limits=Limits(cpu_time_s=0.2)) as mode:
            _, state = run(mode, [broken, "while True: pass", SUM])
            failed, endless, completed = results(state)
        self.assertTrue(failed["error"].startswith("KeyError: 'price' (line 2)\nTraceback"), failed)
        self.assertNotIn("KeyError: 'price'", failed["error"][1:].partition("\n")[2])
        self.assertEqual(failed["stdout"], "1\n")
        self.assertIn("limit `cpu_time` of 200 ms", endless["error"])
        self.assertEqual(completed["value"], 950)

    def test_errors_of_tools_can_be_caught_and_arguments_are_validated_by_langchain(self):
        def odd(count):
            if count % 2 == 0:
                raise ValueError(f"{count} is even")
            return count

        @tool
        def refuse(count: Annotated[int, AfterValidator(odd)]) -> str:
            """Refuses."""
            raise PermissionError(f"no {count}")

        catch = """
async def caught(**arguments):
    try:
        return await tools.host.refuse(**arguments)
    except ToolError as error:
        return [error.code, str(error)]
return [await caught(count=3), await caught(count=4), await caught(count="x")]
"""
        with code_mode([refuse]) as mode:
            (found,) = results(run(mode, [catch])[1])
        refusal, invalid, unfit = found["value"]
        self.assertEqual(refusal, ["tool_failed", "no 3"])
        self.assertEqual(invalid[0], "tool_failed")
        self.assertIn("4 is even", invalid[1])
        self.assertEqual(unfit[0], "invalid_arguments")

    def test_calls_have_the_config_of_their_execute(self):
        class Seen(BaseCallbackHandler):
            def __init__(self):
                self.runs = {}

            def on_tool_start(self, serialized, input_str, *, run_id, parent_run_id=None, tags=None, **rest):
                self.runs[serialized["name"]] = (run_id, parent_run_id, tags)

        @tool
        def who(config: RunnableConfig) -> list:
            """Who asks."""
            return [config["configurable"]["user"], config["tags"], USER.get()]

        seen = Seen()
        USER.set("ann")
        with code_mode([who]) as mode:
            config = {"configurable": {"user": "Ann"}, "tags": ["mine"], "callbacks": [seen]}
            (found,) = results(run(mode, ["return await tools.host.who()"], config=config)[1])
        self.assertEqual(found, {"value": ["Ann", ["mine"], "ann"]})
        self.assertEqual(seen.runs["who"][1], seen.runs["execute"][0])

    def test_two_runs_at_once_keep_their_contexts_apart(self):
        async def main():
            both = asyncio.Barrier(2)

            @tool
            async def who(config: RunnableConfig) -> list:
                """Who asks."""
                async with asyncio.timeout(PATIENCE):
                    await both.wait()
                return [config["configurable"]["user"], USER.get()]

            async def of(mode, user):
                USER.set(user)
                agent = create_agent(
                    ScriptedModel(turns=[call("execute", code="return await tools.host.who()"), "done"]), mode.tools
                )
                return await agent.ainvoke({"messages": []}, {"configurable": {"user": user}})

            async with code_mode([who]) as mode:
                return await asyncio.gather(of(mode, "ann"), of(mode, "bob"))

        ann, bob = asyncio.run(main())
        self.assertEqual(results(ann), [{"value": ["ann", "ann"]}])
        self.assertEqual(results(bob), [{"value": ["bob", "bob"]}])

    def test_a_runtime_serves_runs_that_wait_and_runs_that_do_not_in_several_loops(self):
        with code_mode([aprice, price]) as mode:
            one = call("execute", code="return await tools.host.price(item='tea')")
            other = call("execute", code="return await tools.host.aprice(item='tea')")
            agent = create_agent(ScriptedModel(turns=[one, "done"]), mode.tools)
            again = create_agent(ScriptedModel(turns=[other, "done"]), mode.tools)
            self.assertEqual(results(agent.invoke({"messages": []}))[0]["value"]["cents"], 250)
            for _ in range(2):
                state = asyncio.run(again.ainvoke({"messages": []}))
                self.assertEqual(results(state)[0]["value"], {"cents": 3})

    def test_cancelling_the_agent_ends_the_program_and_its_calls(self):
        ended = []

        async def main():
            begun = asyncio.Event()

            @tool
            async def hang() -> str:
                """Hangs."""
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.append(True)

            async with code_mode([hang]) as mode:
                agent = create_agent(
                    ScriptedModel(turns=[call("execute", code="return await tools.host.hang()")]), mode.tools
                )
                task = asyncio.create_task(agent.ainvoke({"messages": []}))
                async with asyncio.timeout(PATIENCE):
                    await begun.wait()
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                self.assertEqual(ended, [True])
                self.assertEqual(mode._programs._runs, {})

        asyncio.run(main())

    def test_no_call_outlives_its_program(self):
        ended = []

        async def main():
            hangs = asyncio.Event()

            @tool
            async def hang() -> str:
                """Hangs."""
                hangs.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.append(True)

            @tool
            async def begun() -> str:
                """Says when the other one hangs."""
                async with asyncio.timeout(PATIENCE):
                    await hangs.wait()
                return "begun"

            async with code_mode([hang, begun]) as mode:
                code = "import asyncio\nasyncio.ensure_future(tools.host.hang())\n"
                code += "raise ValueError(await tools.host.begun())"
                agent = create_agent(ScriptedModel(turns=[call("execute", code=code), "done"]), mode.tools)
                state = await agent.ainvoke({"messages": []})
                return results(state), list(ended)

        found, was_ended = asyncio.run(main())
        self.assertIn("ValueError: begun (line 3)", found[0]["error"])
        self.assertEqual(was_ended, [True])

    def test_a_tool_that_does_not_end_when_it_is_cancelled_holds_nobody(self):
        async def main():
            begun, release, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

            @tool
            async def stubborn() -> str:
                """Stays."""
                begun.set()
                while not release.is_set():
                    try:
                        await release.wait()
                    except asyncio.CancelledError:
                        pass
                ended.set()
                raise ValueError("nobody hears this")

            async with code_mode([stubborn]) as mode, asyncio.timeout(PATIENCE):
                code = {"code": "return await tools.host.stubborn()"}
                task = asyncio.create_task(mode.tools[0].ainvoke(code))
                await begun.wait()
                task.cancel()
                # Not `await task`, which the tool would hold.
                await asyncio.wait([task], timeout=PATIENCE / 2)
                was_cancelled = task.cancelled()
                release.set()
                await ended.wait()
            return was_cancelled

        self.assertTrue(asyncio.run(main()))

    def test_who_runs_a_program_during_the_close_is_answered_and_the_loop_turns(self):
        async def main():
            begun, turns = asyncio.Event(), []

            @tool
            async def begin() -> str:
                """Begins."""
                begun.set()

            async with code_mode([begin]) as mode:
                code = {"code": "await tools.host.begin()\nwhile True: pass"}
                task = asyncio.create_task(mode.tools[0].ainvoke(code))
                async with asyncio.timeout(PATIENCE):
                    await begun.wait()
                asyncio.get_running_loop().call_soon(turns.append, True)
            turned = list(turns)
            return turned, await asyncio.wait_for(task, PATIENCE)

        turned, answer = asyncio.run(main())
        self.assertEqual(turned, [True])
        self.assertIn("the program was cancelled", answer)

    def test_limits_hold_for_each_program(self):
        with code_mode([price], limits=Limits(tool_calls=1), name="run_program") as mode:
            model = ScriptedModel(turns=[call("run_program", code=SUM), "done"])
            state = create_agent(model, tools=mode.tools).invoke({"messages": []})
        (found,) = results(state)
        self.assertIn("1", found["error"])
        self.assertNotIn("value", found)

    def test_typescript(self):
        with code_mode([price], language="typescript") as mode:
            model, state = run(mode, ["return (await tools.host.price({ item: 'tea' })).cents"])
        self.assertIn("price(", model.descriptions[0])
        self.assertEqual(results(state), [{"value": 250}])

    def test_what_a_program_may_call_is_the_policys_to_say(self):
        with code_mode([price, aprice], policy={"allow": ["host.aprice"]}) as mode:
            model, state = run(mode, ["return await tools.host.price(item='tea')"])
        self.assertNotIn("def price", model.descriptions[0])
        self.assertIn("host.price", results(state)[0]["error"])
        with self.assertRaisesRegex(ConduitError, "`upstreams` stands without `policy`"):
            code_mode([price], upstreams=[{"id": "x", "command": ["x"]}])

    def test_tools_that_somebody_must_see_are_refused(self):
        def refused(words, tools, **options):
            with self.assertRaises(ConduitError) as caught:
                code_mode(tools, **options)
            self.assertEqual(caught.exception.code, "invalid_config")
            self.assertEqual(str(caught.exception), words)

        @tool
        def state(x: int, state: Annotated[dict, InjectedState]) -> str:
            """Takes the state."""

        @tool
        def runtime(runtime: ToolRuntime) -> str:
            """Takes the runtime."""

        @tool
        def message(call_id: Annotated[str, InjectedToolCallId]) -> str:
            """Takes the call's id."""

        approval = HumanInTheLoopMiddleware(interrupt_on={"price": True, "aprice": False})
        here, beside = "tool `price` cannot be called by programs: ", "; give the tool to the agent beside `execute`"
        refused(here + "a person must approve it (`HumanInTheLoopMiddleware`)" + beside, [price], middleware=[approval])
        code_mode([aprice], middleware=[approval]).close()
        counted = ToolCallLimitMiddleware(tool_name="price", run_limit=1)
        refused(here + "its calls are counted (`ToolCallLimitMiddleware`)" + beside, [aprice, price], middleware=[counted])
        counted = ToolCallLimitMiddleware(run_limit=1)
        refused(here + "its calls are counted (`ToolCallLimitMiddleware`)" + beside, [price], middleware=[counted])
        emulated = LLMToolEmulator(tools=["price"], model=ScriptedModel(turns=[]))
        refused(here + "a model stands in for it (`LLMToolEmulator`)" + beside, [aprice, price], middleware=[emulated])
        code_mode([aprice], middleware=[emulated]).close()
        emulated = LLMToolEmulator(model=ScriptedModel(turns=[]))
        refused(here + "a model stands in for it (`LLMToolEmulator`)" + beside, [price], middleware=[emulated])
        guard = AutoModeMiddleware(tools=["price"], classifier=None)
        refused(here + "a model must approve it (`AutoModeMiddleware`)" + beside, [price], middleware=[guard])
        web = {"type": "web_search_20250305", "name": "web_search"}
        refused("tool `web_search` cannot be called by programs: the model's provider runs it", [web])
        injected = "is injected, and programs inject nothing; `conduit.langgraph` fills state, store and runtime"
        refused(f"tool `state` cannot be called by programs: its argument `state` {injected}", [state])
        refused(f"tool `runtime` cannot be called by programs: its argument `runtime` {injected}", [runtime])
        refused(f"tool `message` cannot be called by programs: its argument `call_id` {injected}", [message])

    def test_tools_beside_middleware_that_may_be_a_guard_are_refused(self):
        class Guard(AgentMiddleware):
            def wrap_tool_call(self, request, handler):
                return handler(request)

        class AsyncGuard(AgentMiddleware):
            async def awrap_tool_call(self, request, handler):
                return await handler(request)

        class Stricter(HumanInTheLoopMiddleware):
            def wrap_tool_call(self, request, handler):
                return handler(request)

        class Renamed(ToolRetryMiddleware):
            """Wraps as what it comes from."""

        @wrap_tool_call
        def decorated(request, handler):
            return handler(request)

        def check(middleware, method):
            with self.assertRaises(ConduitError) as caught:
                code_mode([price], middleware=[ModelCallLimitMiddleware(run_limit=9), middleware])
            self.assertEqual(caught.exception.code, "invalid_config")
            words = (
                "tool `price` cannot be called by programs: "
                f"middleware `{type(middleware).__name__}` wraps its calls (`{method}`), and those of programs pass it by; "
                "give the tool to the agent beside `execute`, or the middleware to the agent alone if the tool does without"
            )
            self.assertEqual(str(caught.exception), words)

        check(Guard(), "wrap_tool_call")
        check(AsyncGuard(), "awrap_tool_call")
        check(Stricter(interrupt_on={}), "wrap_tool_call")
        check(decorated, "wrap_tool_call")
        code_mode([price], middleware=[Renamed(), ToolRetryMiddleware(), ModelCallLimitMiddleware(run_limit=9)]).close()

    def test_a_tool_that_asks_a_person_never_gets_an_answer_to_another_question(self):
        paid = []

        @tool
        def pay(amount: int) -> str:
            """Pays, when a person agrees."""
            paid.append(interrupt(f"pay {amount}?"))
            return "paid"

        @tool
        def ask() -> str:
            """Asks a person something else."""
            return interrupt("may I look?")

        catch = """
try:
    return await tools.host.pay(amount=5)
except ToolError as error:
    return str(error)
"""
        with code_mode([pay]) as mode:
            both = {"messages": []}
            model = ScriptedModel(turns=[[*call("execute", code=catch), *call("ask")], "done"])
            graph = create_agent(model, tools=[*mode.tools, ask], checkpointer=InMemorySaver())
            config = {"configurable": {"thread_id": "1"}}
            first = graph.invoke(both, config)
            self.assertEqual([question.value for question in first["__interrupt__"]], ["may I look?"])
            state = graph.invoke(Command(resume="yes"), config)
        said, looked = (message.content for message in state["messages"] if message.type == "tool")
        words = "tool `pay` asks a person (`interrupt`), and a program cannot wait for that: it did not run to its end"
        self.assertEqual(json.loads(said), {"value": words})
        self.assertEqual(looked, "yes")
        self.assertEqual(paid, [])

    def test_a_command_is_no_value(self):
        @tool
        def go() -> Command:
            """Goes elsewhere."""
            return Command(goto="elsewhere")

        with code_mode([go]) as mode:
            (found,) = results(run(mode, ["return await tools.host.go()"])[1])
        self.assertIn("tool `go` gave a `Command`, which only the graph can carry out", found["error"])


if __name__ == "__main__":
    unittest.main()
