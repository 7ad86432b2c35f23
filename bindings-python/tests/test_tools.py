"""Functions of the embedding program as tools."""

import asyncio
import contextvars
import dataclasses
import functools
import gc
import json
import threading
import time
import unittest
import unittest.mock
import weakref
from typing import Optional

from conduit import ConduitError, Limits, Runtime, _conduit, current_call, tool

ALL = {"allow": ["host.*", "mine.*"]}
PATIENCE = 60


def collect(reference):
    """Collects garbage until this is gone: a thread may hold for a moment what it has answered."""
    end = time.monotonic() + PATIENCE
    while reference() is not None and time.monotonic() < end:
        gc.collect()


class Caught(unittest.TestCase):
    """Tools of one runtime, called from programs that catch what fails."""

    def call(self, function, arguments="{}", limits=None, **options):
        """What a program gets: the value, or the error's code, message and content."""
        with Runtime(policy=ALL) as runtime:
            runtime.tool(name="it", **options)(function)
            code = f"""
                try {{ return {{ value: await tools.host.it({arguments}) }} }}
                catch (e) {{ return [e.code, e.message, e.content ?? null] }}
            """
            result = runtime.execute(code, language="typescript", limits=limits)
            self.last = result
            return result.value["value"] if isinstance(result.value, dict) else result.value

    def test_values_go_both_ways(self):
        for value in (None, True, 1, -1.5, "é\u2028", [], {}, [1, {"a": None}], "x" * 10_000):
            self.assertEqual(self.call(lambda value: value, f"{{ value: {json.dumps(value)} }}"), value)
        self.assertEqual(self.call(lambda: (1, 2)), [1, 2])

        @dataclasses.dataclass
        class Point:
            x: int

        self.assertEqual(self.call(lambda: {"p": Point(1)}), {"p": {"x": 1}})

    def test_a_value_that_json_cannot_express_is_an_error(self):
        def refused(value, words):
            code, message, content = self.call(lambda: value)
            self.assertEqual((code, content), ("tool_failed", None))
            self.assertRegex(message, "^tool `host.it` gave a value that JSON cannot express: " + words)

        refused({1}, "Object of type set is not JSON serializable")
        refused(b"x", "Object of type bytes is not JSON serializable")
        refused(float("nan"), "Out of range float values are not JSON compliant")
        refused([float("-inf")], "Out of range float values are not JSON compliant")
        refused("\ud800", "unexpected end of hex escape")
        refused(10**400, "number out of range")
        cycle = []
        cycle.append(cycle)
        refused(cycle, "Circular reference detected")
        deep = []
        for _ in range(500):
            deep = [deep]
        refused(deep, "recursion limit exceeded")

    def test_a_reply_that_is_too_large_is_an_error(self):
        code, _, _ = self.call(lambda: "x" * 5_000, limits=Limits(reply_bytes=1_000))
        self.assertEqual(code, "reply_too_large")

    def test_an_exception_is_the_programs_to_catch(self):
        class Refused(Exception):
            content = [{"type": "text", "text": "why"}]

        def raising(error):
            def function():
                raise error

            return function

        class Silent(Exception):
            def __str__(self):
                raise RuntimeError

        class Strange(Exception):
            content = {1}

        for error, message, content in (
            (ValueError("no such city"), "no such city", None),
            (Refused("no"), "no", [{"type": "text", "text": "why"}]),
            (RuntimeError(), "RuntimeError", None),
            (Silent(), "Silent", None),
            (Strange("x"), "x", None),
            (SystemExit(3), "3", None),
            (KeyboardInterrupt(), "KeyboardInterrupt", None),
            (ValueError("\ud800"), "\\ud800", None),
        ):
            self.assertEqual(self.call(raising(error)), ["tool_failed", message, content])

    def test_no_traceback_of_the_host_reaches_the_program(self):
        with Runtime(policy=ALL) as runtime:

            @runtime.tool
            def fail():
                raise ValueError("x")

            for language, code in (("python", "await tools.host.fail()"), ("typescript", "await tools.host.fail()")):
                result = runtime.execute(code, language=language)
                self.assertNotIn("test_tools", repr(result))
                self.assertNotIn("test_tools", result.outcome.error.stack)

    def test_arguments_are_keywords_and_defaults_hold(self):
        def function(a: int, *, b: str = "x", c: Optional[float] = None):
            return [a, b, c]

        self.assertEqual(self.call(function, "{ a: 1 }"), [1, "x", None])
        self.assertEqual(self.call(function, "{ a: 1, b: 'y', c: 2.5 }"), [1, "y", 2.5])
        for arguments in ("{}", "{ a: 'x' }", "{ a: 1, d: 1 }"):
            self.assertEqual(self.call(function, arguments)[0], "invalid_arguments")
        self.assertEqual(self.call(lambda **rest: rest, "{ a: 1, 'b-c': [2] }"), {"a": 1, "b-c": [2]})

    def test_an_input_schema_of_ones_own_is_kept(self):
        schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}
        self.assertEqual(self.call(lambda n: n, "{ n: 3 }", input_schema=schema), 3)
        self.assertEqual(self.call(lambda n: n, "{ n: 2 }", input_schema=schema)[0], "invalid_arguments")
        self.assertEqual(self.call(lambda **rest: rest, "{ any: 1 }", input_schema=False), {"any": 1})

    def test_an_asynchronous_function_has_a_loop(self):
        async def function():
            await asyncio.sleep(0)
            return threading.current_thread().name

        self.assertEqual(self.call(function), "conduit-loop")

    def test_a_function_that_does_not_answer_ends_with_the_run(self):
        release = threading.Event()
        ended = []

        def hang():
            ended.append(release.wait(PATIENCE))
            return "late"

        self.call(hang, limits=Limits(wall_time_s=0.2))
        self.assertEqual(self.last.outcome.limit, "wall_time")
        self.assertEqual([call.error for call in self.last.tool_calls], ["cancelled"])
        self.assertEqual(ended, [])
        release.set()

    def test_an_asynchronous_function_is_cancelled_with_the_run(self):
        ended = threading.Event()

        async def hang():
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        self.call(hang, limits=Limits(wall_time_s=0.2))
        self.assertEqual(self.last.outcome.limit, "wall_time")
        self.assertTrue(ended.wait(PATIENCE))


class Unanswered(unittest.TestCase):
    """Calls that no function answers, of a runtime without threads of Python."""

    REQUEST = json.dumps({"language": "typescript", "code": "await tools.host.it()"})
    CLOSED = "tool `host.it` did not answer, it was closed"

    def setUp(self):
        config = _conduit.Config.from_json(json.dumps({"policy": ALL}))
        self.calls = _conduit.Inbox()
        self.native = _conduit.Runtime(config, [(json.dumps({"name": "it"}), False)], lambda: None, self.calls)

    def check(self, execution):
        error = json.loads(execution.join().wait())["outcome"]["error"]
        self.assertIn(self.CLOSED, error["message"])

    def test_a_call_that_is_dropped_fails(self):
        execution = self.native.spawn(self.REQUEST)
        self.assertEqual(self.calls.next().tool, "host.it")
        self.check(execution)

    def test_a_call_that_comes_after_the_end_fails(self):
        execution = self.native.spawn(self.REQUEST)
        del self.native
        self.check(execution)

    def test_a_call_that_nobody_serves_fails(self):
        del self.calls
        self.check(self.native.spawn(self.REQUEST))


class Definitions(unittest.TestCase):
    def test_decorated_functions_stay_functions(self):
        @tool
        def plain(a: int) -> int:
            return a

        @tool(name="other-name", upstream="mine", description="What it does.", annotations={"readOnlyHint": True})
        def named():
            """Not this."""
            return 2

        class Thing:
            @tool(description="A method.")
            def method(self, a: int = 1):
                return a

            def __call__(self):
                """An object."""
                return 4

        self.assertEqual((plain(1), named(), Thing().method(3)), (1, 2, 3))
        partial = functools.partial(plain, a=5)
        tools = [named, Thing().method, Thing(), plain]
        with Runtime(policy=ALL, tools=tools) as runtime:
            listed = {tool.name: tool for tool in runtime.tools()}
            self.assertEqual(sorted(listed), ["host.Thing", "host.method", "host.plain", "mine.other-name"])
            self.assertEqual(listed["mine.other-name"].description, "What it does.")
            self.assertEqual(listed["mine.other-name"].annotations, {"readOnlyHint": True})
            self.assertEqual(listed["host.method"].input_schema["properties"], {"a": {"type": "integer", "default": 1}})
            code = "return [await tools.mine.other_name(), await tools.host.method({ a: 3 }), await tools.host.Thing()]"
            self.assertEqual(runtime.execute(code, language="typescript").value, [2, 3, 4])
        with Runtime(policy=ALL, tools=[partial]) as runtime:
            self.assertEqual(runtime.execute("await tools.host.plain()", language="python").value, 5)

    def test_what_is_no_tool_is_refused_at_once(self):
        def positional(a, /):
            return a

        def unknown(a: "Unknown"):  # noqa: F821
            return a

        runtime = Runtime()
        for function, options, words in (
            (lambda: 1, {}, "`host.<lambda>` is not a tool name, expected `upstream.tool`"),
            (1, {}, "`int` is no tool, expected a function"),
            (positional, {}, "parameter `a` is positional-only, expected one that has a name"),
            (unknown, {}, "name 'Unknown' is not defined"),
            (len, {"input_schema": {"type": {1}}}, "the definition of tool `len` is no JSON"),
            (len, {"input_schema": False, "annotation": 1}, "`annotation` is no option, expected one of: upstream, name, "),
        ):
            with self.assertRaises((ConduitError, TypeError)) as raised:
                runtime.tool(**options)(function)
            self.assertIn(words, str(raised.exception))

    def test_two_tools_of_one_name_are_refused(self):
        def same():
            return 1

        with Runtime(tools=[same, same]) as runtime, self.assertRaises(ConduitError) as raised:
            runtime.tools()
        self.assertEqual(raised.exception.code, "invalid_config")
        with Runtime() as runtime:
            runtime.tool(same)
            with self.assertRaises(ConduitError) as raised:
                runtime.tool(name="same")(lambda: 2)
            words = "tool `same` is defined twice"
            self.assertEqual((raised.exception.code, str(raised.exception)), ("invalid_config", words))
            self.assertEqual(runtime.execute("1", language="python").value, 1)

    def test_a_tool_can_be_added_until_the_first_use(self):
        with Runtime(policy=ALL) as runtime:

            @runtime.tool
            def first():
                return 1

            self.assertEqual(runtime.execute("await tools.host.first()", language="python").value, 1)
            with self.assertRaises(ConduitError) as raised:
                runtime.tool(first)
            words = "tool `first` comes too late, expected it before the runtime is first used"
            self.assertEqual((raised.exception.code, str(raised.exception)), ("invalid_config", words))

    def test_a_tool_that_no_policy_lists_is_not_there(self):
        def unlisted():
            return 1

        with Runtime(tools=[unlisted]) as runtime:
            self.assertEqual(runtime.tools(), ())


class Together(unittest.TestCase):
    def test_a_function_does_not_see_the_context_of_another_call(self):
        user = contextvars.ContextVar("user", default="nobody")
        threads = set()

        def who(name: str):
            threads.add(threading.get_ident())
            before = user.get()
            user.set(name)
            return [before, current_call().tool]

        with Runtime(policy=ALL, tools=[who]) as runtime:
            code = "return [await tools.host.who(name=name) for name in ('alice', 'bob', 'carol')]"
            value = runtime.execute(code, language="python").value
        self.assertEqual(value, [["nobody", "host.who"]] * 3)
        self.assertLess(len(threads), 3)
        with self.assertRaises(LookupError):
            current_call()

    def test_functions_run_at_the_same_time(self):
        meeting = threading.Barrier(8)
        with Runtime(policy=ALL) as runtime:

            @runtime.tool
            def meet():
                meeting.wait(PATIENCE)
                return threading.get_ident()

            code = "return new Set(await Promise.all([1,2,3,4,5,6,7,8].map(() => tools.host.meet()))).size"
            self.assertEqual(runtime.execute(code, language="typescript").value, 8)

    def test_a_function_may_run_programs(self):
        with Runtime(policy=ALL) as runtime:

            @runtime.tool
            def nested(depth: int):
                if depth == 0:
                    return 0
                code = "return 1 + await tools.host.nested({ depth: input })"
                return runtime.execute(code, language="typescript", input=depth - 1).value

            self.assertEqual(runtime.execute("await tools.host.nested(depth=3)", language="python").value, 3)

    def test_an_answer_after_the_end_is_not_heard(self):
        release, answered = threading.Event(), threading.Event()
        with Runtime(policy=ALL) as runtime:

            @runtime.tool
            def late():
                release.wait(PATIENCE)
                answered.set()
                return "late"

            result = runtime.execute("await tools.host.late()", language="python", limits=Limits(wall_time_s=0.3))
            self.assertEqual(result.outcome.limit, "wall_time")
            release.set()
            self.assertTrue(answered.wait(PATIENCE))
            self.assertEqual(runtime.execute("1", language="python").value, 1)

    def test_an_execution_holds_its_runtime(self):
        def one():
            return 1

        execution = Runtime(policy=ALL, tools=[one]).spawn("return await tools.host.one()", language="python")
        gc.collect()
        self.assertEqual(execution.join().value, 1)

    def test_a_runtime_without_a_thread_says_so_and_has_one_later(self):
        class NoThread(threading.Thread):
            def start(self):
                raise RuntimeError("can't start new thread")

        async def one():
            return 1

        with Runtime(policy=ALL, tools=[one]) as runtime:
            with unittest.mock.patch("conduit._host_tools.threading.Thread", NoThread):
                with self.assertRaisesRegex(RuntimeError, "can't start new thread"):
                    runtime.tools()
            self.assertEqual(runtime.execute("return await tools.host.one()", language="python").value, 1)

    def test_a_runtime_that_its_tools_refer_to_is_collected(self):
        entered, ended = threading.Event(), threading.Event()

        def make():
            runtime = Runtime(policy=ALL)

            @runtime.tool
            def again():
                return repr(runtime)

            @runtime.tool
            async def hang():
                entered.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.set()

            runtime.execute("await tools.host.again()", language="python")
            execution = runtime.spawn("await tools.host.hang()", language="python")
            self.assertTrue(entered.wait(PATIENCE))
            del execution
            return weakref.ref(runtime)

        before = threading.active_count()
        runtime = make()
        collect(runtime)
        self.assertIsNone(runtime())
        self.assertTrue(ended.wait(PATIENCE))
        for thread in threading.enumerate():
            if thread.name.startswith("conduit-"):
                thread.join(PATIENCE)
        self.assertLessEqual(threading.active_count(), before)
