"""`conduit.smolagents`, through smolagents' own agents and a scripted model."""

import ast
import contextvars
import json
import os
import signal
import threading
import unittest

from smolagents import CodeAgent, FinalAnswerTool, Tool, ToolCallingAgent, tool
from smolagents.models import (
    ChatMessage,
    ChatMessageToolCall,
    ChatMessageToolCallFunction,
    MessageRole,
    Model,
    get_tool_json_schema,
)

from conduit import ConduitError
from conduit.smolagents import code_mode

PATIENCE = 60
USER = contextvars.ContextVar("user", default="nobody")
SUM = """
import asyncio
found = await asyncio.gather(tools.host.price(item="tea"), tools.host.price(item="cup"))
print("asked", len(found))
return sum(price["cents"] for price in found)
"""


@tool
def price(item: str) -> dict:
    """The price of an item.

    Args:
        item: The item.
    """
    return {"cents": {"tea": 250, "cup": 700}[item]}


class ScriptedModel(Model):
    """Says what its turns are: calls of one tool each, as its name and arguments, or code."""

    def __init__(self, *turns):
        super().__init__(model_id="scripted")
        self.turns = list(turns)

    def generate(self, messages, stop_sequences=None, response_format=None, tools_to_call_from=None, **_):
        self.tools = [get_tool_json_schema(tool)["function"] for tool in tools_to_call_from or ()]
        self.system = messages[0].content
        turn = self.turns.pop(0)
        if callable(turn):
            turn = turn(messages)
        if isinstance(turn, str):
            return ChatMessage(role=MessageRole.ASSISTANT, content=turn)
        name, arguments = turn
        function = ChatMessageToolCallFunction(name=name, arguments=arguments)
        call = ChatMessageToolCall(function=function, id=f"call_{len(self.turns)}", type="function")
        return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[call])


def run(mode, *programs):
    """What the agent observed of its calls, its answer, and the model."""
    turns = [("execute", {"code": code}) for code in programs]
    model = ScriptedModel(*turns, ("final_answer", {"answer": "done"}))
    agent = ToolCallingAgent(tools=mode.tools, model=model, verbosity_level=0)
    answer = agent.run("How much?")
    observations = [step.observations for step in agent.memory.steps if getattr(step, "observations", None)]
    return observations[: len(programs)], answer, model


class Smolagents(unittest.TestCase):
    def test_a_program_calls_tools_at_once_and_the_model_sees_its_value(self):
        both = threading.Barrier(2, timeout=PATIENCE)

        class Price(Tool):
            name = "price"
            description = "The price of an item."
            inputs = {"item": {"type": "string", "description": "The item."}}
            output_type = "object"
            output_schema = {"type": "object", "properties": {"cents": {"type": "integer"}}, "required": ["cents"]}

            def forward(self, item: str) -> dict:
                both.wait()
                return {"cents": {"tea": 250, "cup": 700}[item]}

        with code_mode([Price()]) as mode:
            (observed,), answer, model = run(mode, SUM)
        execute = next(function for function in model.tools if function["name"] == "execute")
        self.assertIn("Runs one Python 3.13 program in a fresh sandbox", execute["description"])
        self.assertIn("async def price(\n        self, *,\n        item: str,  # The item.\n", execute["description"])
        self.assertIn("cents: int", execute["description"])
        self.assertEqual(execute["parameters"]["required"], ["code"])
        self.assertEqual(observed, str({"value": 950, "stdout": "asked 2\n"}).strip())
        self.assertEqual(answer, "done")

    def test_a_code_agent_gets_an_object(self):
        with code_mode([price]) as mode:
            code = f'found = execute(code={SUM!r})\nfinal_answer(found["value"] * 2)'
            model = ScriptedModel(f"<code>\n{code}\n</code>")
            agent = CodeAgent(tools=mode.tools, model=model, verbosity_level=0)
            self.assertEqual(agent.run("How much?"), 1900)
        self.assertIn("def execute(code: string) -> object:", json.dumps(model.system))

    def test_the_model_corrects_its_program(self):
        with code_mode([price]) as mode:
            (failed, completed), answer, _ = run(mode, "return (await tools.host.price(item='tea'))['price']", SUM)
        self.assertIn("KeyError: 'price' (line 1)", ast.literal_eval(failed)["error"])
        self.assertIn("950", completed)
        self.assertEqual(answer, "done")

    def test_errors_can_be_caught_and_arguments_are_validated_by_smolagents(self):
        @tool
        def fail(n: int, why: str | None = None) -> str:
            """Fails.

            Args:
                n: A number.
                why: A reason.
            """
            raise LookupError(f"no {n}")

        code = """
async def caught(**arguments):
    try:
        return await tools.host.fail(**arguments)
    except ToolError as error:
        return str(error)
return [await caught(n=3), await caught(n=3, why=None), await caught(n=3, more=1)]
"""
        with code_mode([fail]) as mode:
            found = mode._programs.run(code)
        self.assertEqual(found["value"], ["no 3", "no 3", "Argument more is not in the tool's input schema"])

    def test_calls_have_the_context_of_their_execute_and_runs_are_apart(self):
        both = threading.Barrier(2, timeout=PATIENCE)

        @tool
        def who() -> str:
            """Who asks."""
            both.wait()
            return USER.get()

        with code_mode([who]) as mode:
            found = {}

            def of(user):
                USER.set(user)
                found[user] = run(mode, "return await tools.host.who()")[0]

            threads = [threading.Thread(target=of, args=(user,)) for user in ("ann", "bob")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(found, {user: [str({"value": user})] for user in ("ann", "bob")})

    def test_closing_ends_the_program(self):
        begun, end = threading.Event(), threading.Event()

        @tool
        def hang() -> str:
            """Hangs."""
            begun.set()
            end.wait(PATIENCE)

        mode = code_mode([hang])
        found = []
        thread = threading.Thread(target=lambda: found.append(run(mode, "return await tools.host.hang()")))
        thread.start()
        self.assertTrue(begun.wait(PATIENCE))
        mode.close()
        thread.join()
        end.set()
        (((observed,), answer, _),) = found
        self.assertEqual((observed, answer), (str({"error": "the program was cancelled"}), "done"))

    def test_ctrl_c_ends_the_program(self):
        end = threading.Event()

        @tool
        def interrupt() -> str:
            """As Ctrl-C."""
            os.kill(os.getpid(), signal.SIGINT)
            end.wait(PATIENCE)

        with code_mode([interrupt]) as mode:
            with self.assertRaises(KeyboardInterrupt):
                run(mode, "return await tools.host.interrupt()")
            self.assertEqual(mode._programs._runs, {})
        end.set()

    def test_any_and_nullable_are_what_json_schema_calls_them(self):
        class Odd(Tool):
            name = "odd"
            description = "Takes anything."
            inputs = {
                "anything": {"type": "any", "description": "Anything."},
                "maybe": {"type": "integer", "description": "A number.", "nullable": True},
            }
            output_type = "any"

            def forward(self, anything, maybe=None):
                return [anything, maybe]

        code = "return [await tools.host.odd(anything={'a': [1]}), await tools.host.odd(anything=None, maybe=None)]"
        with code_mode([Odd()]) as mode:
            schema = mode.runtime.tools()[0].input_schema
            found = mode._programs.run(code)
        self.assertEqual(schema["properties"]["maybe"]["type"], ["integer", "null"])
        self.assertEqual(schema["properties"]["anything"], {"description": "Anything."})
        self.assertEqual(schema["required"], ["anything"])
        self.assertEqual(found, {"value": [[{"a": [1]}, None], [None, None]]})

    def test_tools_that_programs_cannot_have_are_refused(self):
        class Draw(Tool):
            name = "draw"
            description = "Draws."
            inputs = {"what": {"type": "string", "description": "What."}}
            output_type = "image"

            def forward(self, what: str):
                raise AssertionError("never run")

        class Look(Tool):
            name = "look"
            description = "Looks."
            inputs = {"at": {"type": "image", "description": "At what."}}
            output_type = "string"

            def forward(self, at):
                raise AssertionError("never run")

        def refused(words, tool):
            with self.assertRaises(ConduitError) as caught:
                code_mode([price, tool])
            self.assertEqual(str(caught.exception), f"tool {words}")

        words = "`final_answer` cannot be called by programs: it ends the agent's run, which only the agent can do"
        refused(words, FinalAnswerTool())
        refused("`draw` cannot be called by programs: it gives `image`, which is no JSON", Draw())
        refused("`look` cannot be called by programs: its argument `at` is `image`, which is no JSON", Look())
        managed = ToolCallingAgent([], ScriptedModel(), name="helper", description="Helps.", verbosity_level=0)
        words = "`helper` cannot be called by programs: it is an agent or no tool at all, expected a `Tool`"
        refused(words, managed)


if __name__ == "__main__":
    unittest.main()
