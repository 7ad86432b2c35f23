"""The API for asyncio."""

import asyncio
import contextvars
import gc
import sys
import threading
import time
import unittest
import unittest.mock

from conduit import AsyncRuntime, Cancelled, ConduitError, EventStdout, Limits, Runtime
from conduit._code_mode import Programs

ALL = {"allow": ["host.*"]}
PATIENCE = 60
#: An MCP server without tools.
UPSTREAM = """
import json, sys
for message in map(json.loads, sys.stdin):
    if message.get("method") == "initialize":
        version, about = message["params"]["protocolVersion"], {"name": "other", "version": "1"}
        answer = {"result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}}
    elif message.get("method") == "tools/list":
        answer = {"result": {"tools": []}}
    else:
        answer = {"error": {"code": -32601, "message": "no such method"}}
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""
LOOP = "console.log('begun'); await new Promise((resolve) => setTimeout(resolve, 9e5))"


class Asynchronous(unittest.IsolatedAsyncioTestCase):
    async def test_everything_can_be_awaited(self):
        async with AsyncRuntime(policy=ALL) as runtime:

            @runtime.tool
            async def where() -> bool:
                """Where it runs."""
                return asyncio.get_running_loop() is loop

            @runtime.tool
            def elsewhere() -> bool:
                return threading.current_thread() is threading.main_thread()

            loop = asyncio.get_running_loop()
            code = "return [await tools.host.where(), await tools.host.elsewhere()]"
            result = await runtime.execute(code, language="python")
            self.assertEqual(result.value, [True, False])
            self.assertEqual(len(await runtime.tools()), 2)
            self.assertEqual((await runtime.search_tools("where it runs", limit=1)).tools[0].name, "host.where")
            self.assertEqual((await runtime.describe_tools(["host.where"])).tools[0].name, "host.where")
            self.assertIn("where(args?: {})", await runtime.declarations("typescript"))
            self.assertEqual([status.tools for status in await runtime.check()], [2])
        with self.assertRaises(ConduitError) as raised:
            await runtime.execute("1", language="python")
        self.assertEqual(raised.exception.code, "shut_down")

    async def test_an_execution_can_be_watched_and_cancelled(self):
        async with AsyncRuntime() as runtime:
            execution = runtime.spawn(LOOP, language="typescript")
            async for event in execution.events():
                self.assertEqual(event, EventStdout(text="begun\n"))
                execution.cancel()
            result, again = await asyncio.gather(execution.join(), execution.join())
            self.assertEqual((result, result.id), (again, execution.id))
            with self.assertRaises(Cancelled):
                result.raise_for_outcome()

    async def test_cancelling_the_task_cancels_the_program_and_its_tools(self):
        entered, left = asyncio.Event(), asyncio.Event()
        async with AsyncRuntime(policy=ALL, max_executions=1, max_queue=1) as runtime:

            @runtime.tool
            async def hang():
                entered.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    left.set()

            task = asyncio.ensure_future(runtime.execute("await tools.host.hang()", language="python"))
            await entered.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(left.wait(), PATIENCE)
            # Its place is free a moment after its tools are told.
            result = await asyncio.wait_for(runtime.execute("1", language="python"), PATIENCE)
            self.assertEqual(result.value, 1)

    async def test_a_timeout_around_a_join_cancels_the_program(self):
        async with AsyncRuntime() as runtime:
            execution = runtime.spawn(LOOP, language="typescript")
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(execution.join(), 0.01)
            self.assertEqual((await execution.join()).outcome.status, "cancelled")

    async def test_the_loop_turns_while_programs_compute(self):
        async with AsyncRuntime() as runtime:
            computing = asyncio.ensure_future(
                runtime.execute("while (true) {}", language="typescript", limits=Limits(cpu_time_s=0.2))
            )
            turns = 0
            while not computing.done():
                turns += 1
                await asyncio.sleep(0)
            self.assertEqual(computing.result().outcome.limit, "cpu_time")
            self.assertGreater(turns, 10)

    async def test_a_hundred_at_once(self):
        async with AsyncRuntime(policy=ALL) as runtime:

            @runtime.tool
            async def same(n: int):
                await asyncio.sleep(0)
                return n

            runs = [runtime.execute("await tools.host.same(n=input)", language="python", input=n) for n in range(100)]
            self.assertEqual([result.value for result in await asyncio.gather(*runs)], list(range(100)))

    async def test_who_asks_after_the_close_is_answered(self):
        runtime = AsyncRuntime()
        execution = runtime.spawn(LOOP, language="typescript")
        events = execution.events()
        await events.__anext__()
        await asyncio.wait_for(runtime.close(), PATIENCE)
        result = await asyncio.wait_for(execution.join(), PATIENCE)
        self.assertEqual(result.outcome.status, "cancelled")
        with self.assertRaises(StopAsyncIteration):
            await asyncio.wait_for(events.__anext__(), PATIENCE)

    async def test_who_waits_during_the_close_is_answered(self):
        runtime = AsyncRuntime()
        execution = runtime.spawn(LOOP, language="typescript")
        await execution.events().__anext__()
        waits = [execution.join(), runtime.close(), execution.join()]
        await asyncio.wait_for(asyncio.gather(*waits), PATIENCE)

    async def test_every_close_of_several_at_once_ends(self):
        upstream = {"id": "other", "type": "stdio", "command": sys.executable, "args": ["-c", UPSTREAM]}
        for _ in range(5):
            runtime = AsyncRuntime(upstreams=[upstream])
            self.assertEqual([status.tools for status in await runtime.check()], [0])
            await asyncio.wait_for(asyncio.gather(*(runtime.close() for _ in range(8))), PATIENCE)

    async def test_an_execution_holds_its_runtime(self):
        async def here():
            return 1

        def there():
            return 2

        code = "return await tools.host.here() + await tools.host.there()"
        execution = AsyncRuntime(policy=ALL, tools=[here, there]).spawn(code, language="python")
        gc.collect()
        self.assertEqual((await asyncio.wait_for(execution.join(), PATIENCE)).value, 3)

    async def test_a_program_may_call_before_its_execution_is_there(self):
        async def one():
            return 1

        class Slow:
            def spawn(self, request):
                execution = native.spawn(request)
                execution.next_events().wait()
                # Long enough for the call to be on its way.
                time.sleep(0.3)
                return execution

        async with AsyncRuntime(policy=ALL, tools=[one]) as runtime:
            native = runtime._started()
            with unittest.mock.patch.object(runtime, "_started", Slow):
                execution = runtime.spawn("return await tools.host.one()", language="python")
            self.assertEqual((await asyncio.wait_for(execution.join(), PATIENCE)).value, 1)

    async def test_a_tool_that_cancels_itself_fails(self):
        async with AsyncRuntime(policy=ALL) as runtime:

            @runtime.tool
            async def give_up():
                raise asyncio.CancelledError("gave up")

            result = await runtime.execute("await tools.host.give_up()", language="python")
            self.assertEqual(result.outcome.error.message, "gave up")


class Loops(unittest.TestCase):
    def test_two_loops_share_a_runtime(self):
        runtime = AsyncRuntime(policy=ALL)
        answers = []

        async def ask():
            for number in range(50):
                answers.append((await runtime.execute(str(number), language="typescript")).value)

        threads = [threading.Thread(target=asyncio.run, args=(ask(),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual(sorted(answers), sorted([*range(50)] * 2))
        asyncio.run(runtime.close())

    def test_a_tool_does_not_see_the_context_of_who_asked_first(self):
        user = contextvars.ContextVar("user", default="nobody")
        runtime = AsyncRuntime(policy=ALL)

        @runtime.tool
        async def who():
            return user.get()

        @runtime.tool
        def who_else():
            return user.get()

        async def ask(name):
            user.set(name)
            code = "return [await tools.host.who(), await tools.host.who_else()]"
            return (await runtime.execute(code, language="python")).value

        async def both():
            return [await asyncio.ensure_future(ask(name)) for name in ("alice", "bob")]

        self.assertEqual(asyncio.run(both()), [["nobody", "nobody"]] * 2)
        asyncio.run(runtime.close())

    def test_a_loop_that_watches_no_pipes_is_served_by_a_thread(self):
        class Loop(asyncio.SelectorEventLoop):
            """As Windows has it."""

            def add_reader(self, fd, callback, *args):
                raise NotImplementedError

        runtime = AsyncRuntime(policy=ALL)
        ended = []

        @runtime.tool
        async def where():
            return id(asyncio.get_running_loop())

        @runtime.tool
        async def hang():
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        async def ask():
            result = await runtime.execute("await tools.host.where()", language="python")
            self.assertEqual(result.value, id(asyncio.get_running_loop()))
            limits = Limits(wall_time_s=0.2)
            result = await runtime.execute("await tools.host.hang()", language="python", limits=limits)
            while not ended:
                await asyncio.sleep(0.01)
            return result.outcome.limit

        before = set(threading.enumerate())
        for _ in range(2):
            loop = Loop()
            self.assertEqual(loop.run_until_complete(asyncio.wait_for(ask(), PATIENCE)), "wall_time")
            ended.clear()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
        asyncio.run(runtime.close())
        del loop, runtime
        gc.collect()
        for thread in set(threading.enumerate()) - before:
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive(), thread.name)

    def test_a_tool_whose_loop_is_closed_fails_at_once(self):
        left, ended, answers = threading.Event(), threading.Event(), []

        def leaves():
            left.wait(PATIENCE)

        def tell(answer: str):
            answers.append(answer)
            ended.set()

        async def one():
            return 1

        runtime = AsyncRuntime(policy=ALL, tools=[leaves, tell, one])
        code = """
await tools.host.leaves()
try:
    answer = str(await tools.host.one())
except ToolError as error:
    answer = str(error)
await tools.host.tell(answer=answer)
"""

        async def leave():
            return runtime.spawn(code, language="python")

        execution = asyncio.run(leave())
        left.set()
        self.assertTrue(ended.wait(PATIENCE))
        self.assertEqual(answers, ["tool `host.one` did not answer, it was closed"])
        self.assertEqual(asyncio.run(execution.join()).outcome.status, "completed")
        code = "return await tools.host.one()"
        self.assertEqual(asyncio.run(runtime.execute(code, language="python")).value, 1)
        asyncio.run(runtime.close())

    def test_the_own_loop_ends_with_a_runtime_that_is_gone(self):
        before, entered = set(threading.enumerate()), threading.Event()

        async def hang():
            entered.set()
            await asyncio.sleep(PATIENCE)

        execution = Runtime(policy=ALL, tools=[hang]).spawn("await tools.host.hang()", language="python")
        self.assertTrue(entered.wait(PATIENCE))
        own = set(threading.enumerate()) - before
        del execution
        gc.collect()
        for thread in own:
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive(), thread.name)

    def test_the_threads_end_with_the_close(self):
        before = set(threading.enumerate())

        async def one():
            return 1

        def two():
            return 2

        runtime = Runtime(policy=ALL, tools=[one, two])
        code = "return await tools.host.one() + await tools.host.two()"
        self.assertEqual(runtime.execute(code, language="python").value, 3)
        own = {thread for thread in set(threading.enumerate()) - before if thread.name.startswith("conduit-")}
        self.assertEqual({thread.name for thread in own}, {"conduit-loop", "conduit-host"})
        runtime.close()
        for thread in own:
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive(), thread.name)

    def test_a_run_is_answered_after_its_code_mode_is_closed(self):
        async def main():
            programs = Programs([])
            running = asyncio.ensure_future(programs.arun("import time\nwhile True: time.sleep(1)"))
            await asyncio.sleep(0.1)
            await programs.aclose()
            return await asyncio.wait_for(running, PATIENCE)

        self.assertEqual(asyncio.run(main()), {"error": "the program was cancelled"})

    def test_a_runtime_outlives_its_loop(self):
        runtime = AsyncRuntime(policy=ALL)

        @runtime.tool
        async def where():
            return id(asyncio.get_running_loop())

        async def ask():
            result = await runtime.execute("await tools.host.where()", language="python")
            return result.value == id(asyncio.get_running_loop())

        self.assertTrue(asyncio.run(ask()))
        self.assertTrue(asyncio.run(ask()))
        asyncio.run(runtime.close())

    def test_a_loop_that_ends_first_does_no_harm(self):
        runtime = AsyncRuntime(policy=ALL)
        entered = threading.Event()

        @runtime.tool
        def meanwhile():
            entered.set()

        async def leave():
            execution = runtime.spawn("await tools.host.meanwhile()\nwhile True: pass", language="python")
            waiting = asyncio.ensure_future(execution.join())
            await asyncio.sleep(0)
            self.assertTrue(entered.wait(PATIENCE))
            del waiting
            return execution

        execution = asyncio.run(leave())
        self.assertEqual(asyncio.run(execution.join()).outcome.status, "cancelled")
        asyncio.run(runtime.close())
