"""`conduit.langgraph`, in a graph with a `ToolNode` and a scripted model."""

import asyncio
import threading
import unittest

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import InjectedToolArg, InjectedToolCallId, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, InjectedStore, ToolNode, ToolRuntime, tools_condition
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt
from typing_extensions import Annotated, TypedDict

from chat_model import ScriptedModel, call, results
from conduit import ConduitError
from conduit.langgraph import code_mode

PATIENCE = 60


class State(MessagesState):
    user: str


class Context(TypedDict):
    k: int


@tool
def note(text: str, user: Annotated[str, InjectedState("user")], store: Annotated[object, InjectedStore()]) -> str:
    """Notes something."""
    store.put((user,), text, {"text": text})
    return f"noted for {user}"


@tool
def look(runtime: ToolRuntime[Context, State]) -> dict:
    """Looks around."""
    said = [item.key for item in runtime.store.search((runtime.state["user"],))]
    runtime.stream_writer({"found": len(said)})
    return {"notes": sorted(said), "user": runtime.config["configurable"]["tenant"], "context": runtime.context}


def graph(model, tools, **options):
    """The usual loop of a model and a node for tools."""
    model = model.bind_tools(tools)
    builder = StateGraph(State, Context)
    builder.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_node("tools", ToolNode(tools))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", tools_condition)
    builder.add_edge("tools", "model")
    return builder.compile(**options)


class LangGraph(unittest.TestCase):
    def test_state_store_and_runtime_reach_tools_that_ask_for_them(self):
        code = """
import asyncio
import threading
said = await asyncio.gather(tools.host.note(text="a"), tools.host.note(text="b"))
return [said, await tools.host.look()]
"""
        store = InMemoryStore()
        with code_mode([note, look]) as mode:
            model = ScriptedModel(turns=[call("execute", code=code), "done"])
            built = graph(model, mode.tools, store=store)
            config = {"configurable": {"tenant": "t1"}}
            modes, context = ["custom", "values"], {"k": 1}
            events = list(built.stream({"messages": [], "user": "ann"}, config, stream_mode=modes, context=context))
        self.assertNotIn("store", model.descriptions[0].partition("tools.host")[2].partition("_Tools")[0])
        self.assertEqual([data for mode, data in events if mode == "custom"], [{"found": 2}])
        (found,) = results(events[-1][1])
        looked = {"notes": ["a", "b"], "user": "t1", "context": {"k": 1}}
        self.assertEqual(found, {"value": [["noted for ann", "noted for ann"], looked]})

    def test_a_program_cannot_give_what_is_injected(self):
        code = """
try:
    await tools.host.note(text="a", user="bob")
except ToolError as error:
    print(error.code)
return await call_tool("host.note", {"text": "a", "user": "bob", "store": None})
"""
        with code_mode([note]) as mode:
            built = graph(
                ScriptedModel(turns=[call("execute", code=code), "done"]), mode.tools, store=(store := InMemoryStore())
            )
            built.invoke({"messages": [], "user": "ann"})
        self.assertEqual([item.namespace for item in store.search(())], [("ann",)])

    def test_runs_at_once_keep_their_states_apart(self):
        async def main():
            both = asyncio.Barrier(2)

            @tool
            async def who(user: Annotated[str, InjectedState("user")], config: RunnableConfig) -> list:
                """Who asks."""
                async with asyncio.timeout(PATIENCE):
                    await both.wait()
                return [user, config["configurable"]["tenant"]]

            async with code_mode([who]) as mode:
                built = graph(
                    ScriptedModel(turns=[call("execute", code="return await tools.host.who()"), "done"]), mode.tools
                )
                return await asyncio.gather(
                    *(
                        built.ainvoke({"messages": [], "user": user}, {"configurable": {"tenant": user.upper()}})
                        for user in ("ann", "bob")
                    )
                )

        ann, bob = asyncio.run(main())
        self.assertEqual(results(ann), [{"value": ["ann", "ANN"]}])
        self.assertEqual(results(bob), [{"value": ["bob", "BOB"]}])

    def test_the_model_corrects_its_program(self):
        async def main():
            async with code_mode([look]) as mode:
                turns = [call("execute", code="return nothing"), call("execute", code="return 1"), "done"]
                return await graph(ScriptedModel(turns=turns), mode.tools).ainvoke({"messages": [], "user": "ann"})

        state = asyncio.run(main())
        failed, completed = results(state)
        self.assertIn("NameError: name 'nothing' is not defined (line 1)", failed["error"])
        self.assertEqual(completed, {"value": 1})
        self.assertEqual(state["messages"][-1].content, "done")

    def test_cancelling_ends_the_program_and_its_calls(self):
        async def main():
            begun, ended = asyncio.Event(), []

            @tool
            async def hang() -> str:
                """Hangs."""
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.append(True)

            async with code_mode([hang]) as mode:
                turns = [call("execute", code="return await tools.host.hang()")]
                task = asyncio.create_task(graph(ScriptedModel(turns=turns), mode.tools).ainvoke({"messages": []}))
                async with asyncio.timeout(PATIENCE):
                    await begun.wait()
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                self.assertEqual(ended, [True])

        asyncio.run(main())

    def test_an_answer_to_another_question_approves_nothing(self):
        paid, asked = [], []

        def pay_if_agreed(amount):
            asked.append(amount)
            paid.append(interrupt(f"pay {amount}?"))

        @tool
        def pay(amount: int) -> str:
            """Pays, when a person agrees."""
            return pay_if_agreed(amount)

        def nested(amount):
            builder = StateGraph(MessagesState)
            builder.add_node("pay", lambda state: pay_if_agreed(amount))
            builder.add_edge(START, "pay")
            return builder.compile()

        @tool
        def pay_by_graph(amount: int) -> str:
            """Pays, when a person agrees, by a graph of its own."""
            nested(amount).invoke({"messages": []})
            return "paid"

        ends = threading.Semaphore(0)

        @tool
        def end() -> None:
            """Says that the program is at its end."""
            ends.release()

        @tool
        def ask() -> str:
            """Asks a person something else, once the program has tried to have its questions answered."""
            self.assertTrue(ends.acquire(timeout=PATIENCE))
            return interrupt("may I look?")

        code = """
async def caught(pay):
    try:
        return await pay(amount=5)
    except ToolError as error:
        return str(error)
try:
    return [await caught(PAYS[0]), await caught(PAYS[1])]
finally:
    await tools.host.end()
"""
        for pays in (["pay", "pay_by_graph"], ["pay_by_graph", "pay"]):
            with self.subTest(pays):
                self.check_that_nothing_is_approved([pay, pay_by_graph, end], ask, code, pays)
                self.assertEqual((paid, asked), ([], [5, 5, 5, 5]))
                asked.clear()

    def check_that_nothing_is_approved(self, tools, ask, code, pays):
        code = f"PAYS = [{', '.join('tools.host.' + pay for pay in pays)}]\n{code}"
        with code_mode(tools) as mode:
            # Both calls are one task of the graph: it runs again, from its start, once it is resumed.
            model = ScriptedModel(turns=[[*call("execute", code=code), *call("ask")], "done"])
            built = graph(model, [*mode.tools, ask], checkpointer=InMemorySaver())
            config = {"configurable": {"thread_id": "1"}}
            first = built.invoke({"messages": []}, config)
            self.assertEqual([question.value for question in first["__interrupt__"]], ["may I look?"])
            state = built.invoke(Command(resume="yes"), config)
        said, looked = [message.content for message in state["messages"] if message.type == "tool"]
        self.assertEqual(looked, "yes")
        self.assertEqual(said.count("asks a person (`interrupt`), and a program cannot wait for that"), 2)

    def test_without_a_graph_there_is_nothing_to_inject(self):
        with code_mode([note]) as mode:
            (execute,) = mode.tools
            with self.assertRaises(ConduitError) as caught:
                execute.invoke({"code": "return await call_tool('host.note', {'text': 'a', 'user': 'bob'})"})
        self.assertEqual(str(caught.exception), "tool `execute` has no runtime, expected to be called by a `ToolNode`")

    def test_tools_that_only_their_caller_can_fill_are_refused(self):
        @tool
        def message(call_id: Annotated[str, InjectedToolCallId]) -> str:
            """Takes the call's id."""

        @tool
        def secret(key: Annotated[str, InjectedToolArg]) -> str:
            """Takes a key."""

        for refused, argument in ((message, "call_id"), (secret, "key")):
            with self.assertRaises(ConduitError) as caught:
                code_mode([note, refused])
            self.assertEqual(
                str(caught.exception),
                f"tool `{refused.name}` cannot be called by programs: its argument `{argument}` is injected,"
                " and programs inject nothing",
            )


if __name__ == "__main__":
    unittest.main()
