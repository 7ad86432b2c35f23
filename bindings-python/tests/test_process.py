"""What needs a process of its own: signals, forks, exits, and the command."""

import json
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

#: Ends a test that hangs; long enough for a machine with much else to do.
PATIENCE = 600
#: CPython 3.12 and later warn of any fork in a process with threads.
QUIET = ["-W", "ignore:This process:DeprecationWarning"]
START = """
import asyncio, gc, os, signal, sys, threading
from conduit import AsyncRuntime, ConduitError, Limits, Runtime
ALL = {"allow": ["host.*"]}
LOOP = "console.log('begun'); while (true) {}"
LONG = Limits(cpu_time_s=300, wall_time_s=600)
"""


class Processes(unittest.TestCase):
    def run_python(self, code, status=0, errors=""):
        """What the code prints; it must end with this status and these errors."""
        code = START + textwrap.dedent(code)
        ended = subprocess.run([sys.executable, *QUIET, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((ended.stderr, ended.returncode), (errors, status))
        return ended.stdout


class Signals(Processes):
    #: A tool that interrupts its own process, and a program that calls it and never ends.
    INTERRUPT = """
    def add(runtime):
        @runtime.tool
        def interrupt():
            os.kill(os.getpid(), signal.SIGINT)
    CODE = "await tools.host.interrupt()\\nwhile True: pass"
    """

    def test_ctrl_c_ends_an_execution(self):
        printed = self.run_python(
            textwrap.dedent(self.INTERRUPT)
            + textwrap.dedent("""
            with Runtime(policy=ALL, max_executions=1, max_queue=0) as runtime:
                add(runtime)
                try:
                    runtime.execute(CODE, language="python", limits=LONG)
                except KeyboardInterrupt:
                    print("interrupted", runtime.execute("1", language="python").value)
            """)
        )
        self.assertEqual(printed, "interrupted 1\n")

    def test_ctrl_c_ends_a_join_and_its_program(self):
        printed = self.run_python(
            textwrap.dedent(self.INTERRUPT)
            + textwrap.dedent("""
            with Runtime(policy=ALL) as runtime:
                add(runtime)
                execution = runtime.spawn(CODE, language="python", limits=LONG)
                try:
                    execution.join()
                except KeyboardInterrupt:
                    print("interrupted", execution.join().outcome.status)
            """)
        )
        self.assertEqual(printed, "interrupted cancelled\n")

    def test_ctrl_c_ends_asyncio(self):
        printed = self.run_python(
            textwrap.dedent(self.INTERRUPT)
            + textwrap.dedent("""
            async def main():
                async with AsyncRuntime(policy=ALL) as runtime:
                    add(runtime)
                    await runtime.execute(CODE, language="python", limits=LONG)
            try:
                asyncio.run(main())
            except KeyboardInterrupt:
                print("interrupted")
            """)
        )
        self.assertEqual(printed, "interrupted\n")

    def test_programs_run_in_worker_processes(self):
        printed = self.run_python("""
        def workers():
            found = []
            for id in os.listdir("/proc/self/task"):
                try:
                    found += open(f"/proc/self/task/{id}/children").read().split()
                except FileNotFoundError:
                    pass  # the thread has ended
            return found

        runtime = Runtime(policy=ALL, isolation="process", confinement="require")

        @runtime.tool
        def double(x: int) -> int:
            return 2 * x

        with runtime:
            print(runtime.execute("(await tools.host.double({x: 3})) + 1", language="typescript").value)
            print(runtime.execute("(await tools.host.double(x=4)) + 1", language="python").value)
            print(runtime.execute("while True: pass", language="python", limits=Limits(cpu_time_s=0.1)).outcome.limit)
            print(len(workers()) > 0)
        while workers():
            pass
        """)
        self.assertEqual(printed, "7\n9\ncpu_time\nTrue\n")

    def test_the_gil_is_free_while_a_program_computes(self):
        printed = self.run_python("""
        runtime = Runtime(policy=ALL)
        computing = threading.Event()

        @runtime.tool
        def begun():
            computing.set()

        def close():
            computing.wait()
            sum(range(1_000_000))
            runtime.close()

        threading.Thread(target=close).start()
        code = "await tools.host.begun()\\nwhile True: pass"
        print(runtime.execute(code, language="python", limits=LONG).outcome.status)
        """)
        self.assertEqual(printed, "cancelled\n")

    def test_a_python_without_a_gil_stays_without(self):
        printed = self.run_python("""
        import sysconfig
        has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
        print(has_gil is not bool(sysconfig.get_config_var("Py_GIL_DISABLED")))
        """)
        self.assertEqual(printed, "True\n")


class Forks(Processes):
    def test_a_forked_process_makes_a_runtime_of_its_own(self):
        printed = self.run_python("""
        def question(runtime):
            return runtime.execute("6 * 7", language="python").value

        def one():
            return 1

        old, unused = Runtime(), Runtime(tools=[one])
        question(old)
        execution = old.spawn(LOOP, language="typescript", limits=LONG)
        next(execution.events())
        child = os.fork()
        if child == 0:
            for ask in (lambda: question(old), lambda: old.spawn("1", language="python"), execution.join):
                try:
                    ask()
                except ConduitError as error:
                    print(error.code, error)
            old.close()
            execution.cancel()
            del old, execution
            gc.collect()
            print(question(unused))
            with Runtime() as new:
                print(question(new))
                limits = Limits(cpu_time_s=0.1)
                print(new.execute("while (true) {}", language="typescript", limits=limits).outcome.limit)
            sys.stdout.flush()
            sys.exit(5)
        _, status = os.waitpid(child, 0)
        print("child", os.WEXITSTATUS(status) if os.WIFEXITED(status) else status)
        execution.cancel()
        print(execution.join().outcome.status, question(old))
        """)
        words = "shut_down the runtime was made before this process was forked, make one here\n"
        self.assertEqual(printed, words * 3 + "42\n42\ncpu_time\nchild 5\ncancelled 42\n")

    def test_a_loop_goes_on_beside_its_forked_process(self):
        printed = self.run_python("""
        async def turns():
            count = 0
            async def turn():
                nonlocal count
                while True:
                    count += 1
                    await asyncio.sleep(0.01)
            turning = asyncio.ensure_future(turn())
            await asyncio.sleep(0.3)
            turning.cancel()
            return count

        async def main():
            async with AsyncRuntime() as runtime:
                await runtime.execute("1", language="typescript")
                execution = runtime.spawn(LOOP, language="typescript", limits=LONG)
                child = os.fork()
                if child == 0:
                    asyncio._set_running_loop(None)
                    for ask in (execution.join, lambda: runtime.execute("1", language="typescript")):
                        try:
                            asyncio.run(ask())
                        except ConduitError as error:
                            print(error.code)
                    sys.stdout.flush()
                    os._exit(5)
                _, status = os.waitpid(child, 0)
                print("child", os.WEXITSTATUS(status))
                execution.cancel()
                print((await execution.join()).outcome.status)
                print((await runtime.execute("6 * 7", language="typescript")).value, await turns() > 1)
                before = os.times()
                await asyncio.sleep(0.5)
                after = os.times()
                print("idle", after.user + after.system - before.user - before.system < 0.3)

        asyncio.run(main())
        """)
        self.assertEqual(printed.split("\n"), ["shut_down"] * 2 + ["child 5", "cancelled", "42 True", "idle True", ""])

    def test_a_loop_that_goes_on_in_a_forked_process_has_a_runtime_there(self):
        printed = self.run_python("""
        import selectors

        async def question():
            async with AsyncRuntime(policy=ALL, tools=[one]) as runtime:
                return (await runtime.execute("await tools.host.one()", language="typescript")).value

        async def one():
            return 1

        # Others would be shared with the child.
        loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
        loop.run_until_complete(question())
        child = os.fork()
        # In one write: both processes have this output.
        os.write(1, b"%d\\n" % loop.run_until_complete(question()))
        loop.close()
        if child != 0:
            _, status = os.waitpid(child, 0)
            print("child", os.WEXITSTATUS(status) if os.WIFEXITED(status) else status)
        """)
        self.assertEqual(printed, "1\n1\nchild 0\n")

    def test_multiprocessing_forks(self):
        printed = self.run_python("""
        import multiprocessing

        def work(n):
            with Runtime() as runtime:
                return runtime.execute("input * 2", language="python", input=n).value

        with Runtime() as runtime:
            runtime.execute("1", language="python")
            with multiprocessing.get_context("fork").Pool(2) as pool:
                print(pool.map(work, range(6)))
            print(runtime.execute("1", language="python").value)
        """)
        self.assertEqual(printed, "[0, 2, 4, 6, 8, 10]\n1\n")


class Ends(Processes):
    def test_the_process_ends_during_a_run(self):
        printed = self.run_python(
            """
        runtime = Runtime()
        execution = runtime.spawn(LOOP, language="typescript", limits=LONG)
        next(execution.events())
        print("leaving")
        sys.exit(3)
        """,
            status=3,
        )
        self.assertEqual(printed, "leaving\n")

    def test_the_process_ends_while_functions_run(self):
        for wait in ("threading.Event().wait()", "while True: sum(range(100))", "signal.pause()"):
            printed = self.run_python(f"""
            runtime = Runtime(policy=ALL)
            entered = threading.Event()

            @runtime.tool
            def hang():
                entered.set()
                {wait}

            executions = [runtime.spawn("await tools.host.hang()", language="python", limits=LONG) for _ in range(3)]
            entered.wait()
            print("leaving")
            """)
            self.assertEqual(printed, "leaving\n")

    def test_the_process_ends_while_threads_wait(self):
        printed = self.run_python("""
        runtime = Runtime()
        begun = threading.Event()

        def work():
            begun.set()
            while True:
                runtime.execute("1", language="typescript")

        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        begun.wait()
        runtime.execute("1", language="typescript")
        print("leaving")
        """)
        self.assertEqual(printed, "leaving\n")

    def test_the_loop_ends_while_tools_wait(self):
        printed = self.run_python("""
        async def main():
            runtime = AsyncRuntime(policy=ALL)
            entered = asyncio.Event()

            @runtime.tool
            async def hang():
                entered.set()
                await asyncio.Event().wait()

            execution = runtime.spawn("await tools.host.hang()", language="python", limits=LONG)
            await entered.wait()
            print("leaving")

        asyncio.run(main())
        """)
        self.assertEqual(printed, "leaving\n")

    def test_an_execution_that_nobody_holds_is_cancelled(self):
        printed = self.run_python("""
        runtime = Runtime(policy=ALL)
        entered, ended = threading.Event(), threading.Event()

        @runtime.tool
        async def hang():
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        execution = runtime.spawn("await tools.host.hang()", language="python", limits=LONG)
        entered.wait()
        del execution
        gc.collect()
        print(ended.wait(60))
        """)
        self.assertEqual(printed, "True\n")

    def test_a_second_interpreter_is_refused(self):
        printed = self.run_python("""
        import conduit
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        code = "try:\\n import conduit\\nexcept ImportError:\\n print('refused', flush=True)"
        interpreters.run_string(interpreters.create(), code)
        print(conduit.Runtime().execute("1", language="python").value)
        """)
        self.assertEqual(printed, "refused\n1\n")


class Many(Processes):
    def test_sixty_four_threads_share_a_runtime(self):
        printed = self.run_python("""
        runtime = Runtime(policy=ALL)

        @runtime.tool
        def same(n: int):
            return n

        @runtime.tool
        async def later(n: int):
            await asyncio.sleep(0)
            return n

        values = {}

        def work(n):
            code = "return [await tools.host.same({ n: input }), await tools.host.later({ n: input })]"
            values[n] = [runtime.execute(code, language="typescript", input=n).value for _ in range(4)]

        threads = [threading.Thread(target=work, args=(n,)) for n in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(all(values[n] == [[n, n]] * 4 for n in range(64)))
        """)
        self.assertEqual(printed, "True\n")

    def test_threads_that_meet_start_one_runtime_and_are_told_of_its_end(self):
        printed = self.run_python("""
        def same(n: int):
            return n

        async def later(n: int):
            await asyncio.sleep(0)
            return n

        def work(runtime, n):
            code = "return [await tools.host.same({ n: input }), await tools.host.later({ n: input })]"
            meeting.wait()
            try:
                while True:
                    execution = runtime.spawn(code, language="typescript", input=n)
                    answered = [event.event for event in execution.events()].count("tool_call_ended")
                    result = execution.join()
                    if result.outcome.status != "cancelled":
                        found.append((answered, result.value) == (2, [n, n]))
                    if len(found) > 40:
                        runtime.close()
            except ConduitError as error:
                ends.append(error.code)

        found, ends = [], []
        for _ in range(20):
            runtime, meeting = Runtime(policy=ALL, tools=[same, later]), threading.Barrier(8)
            threads = [threading.Thread(target=work, args=(runtime, n)) for n in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            print(end="" if all(found) else f"{found}")
            found.clear()
        print(len(ends), set(ends))
        """)
        self.assertEqual(printed, "160 {'shut_down'}\n")

    def test_a_loop_without_descriptors_has_some_later(self):
        printed = self.run_python("""
        import resource
        async def main():
            runtime = AsyncRuntime()
            await asyncio.to_thread(runtime._started)
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                await runtime.execute("1", language="typescript")
            except OSError as error:
                print("refused")
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            print((await runtime.execute("6 * 7", language="typescript")).value)
            await runtime.close()

        asyncio.run(main())
        """)
        self.assertEqual(printed, "refused\n42\n")

    def test_a_thousand_runtimes_leave_nothing(self):
        printed = self.run_python("""
        def once():
            with Runtime(policy=ALL, tools=[same, later]) as runtime:
                code = "await tools.host.same() + await tools.host.later()"
                return runtime.execute(code, language="typescript").value

        def same():
            return 1

        async def later():
            return 1

        def kept():
            left = [thread.join() for thread in threading.enumerate() if thread.name.startswith("conduit-")]
            return len(os.listdir("/proc/self/fd"))

        once()
        before = kept()
        print(all(once() == 2 for _ in range(1000)))
        after = kept()
        print(after - before, threading.active_count())
        """)
        self.assertEqual(printed, "True\n0 1\n")


class Commands(unittest.TestCase):
    def commands(self):
        return [sys.executable, "-m", "conduit"], [str(Path(sys.executable).with_name("conduit"))]

    def test_the_command_runs(self):
        for command in (*self.commands(), [str(Path(sys.executable).with_name("conduit-codemode"))]):
            arguments = [*command, "exec", "-", "--language", "python"]
            program = {"input": "print('é')\n", "encoding": "utf-8"}
            ended = subprocess.run(arguments, **program, capture_output=True, timeout=PATIENCE)
            self.assertEqual((ended.stdout, ended.stderr, ended.returncode), ("é\n", "", 0))
            ended = subprocess.run([*command, "nonsense"], capture_output=True, timeout=PATIENCE)
            self.assertEqual(ended.returncode, 2)

    def test_ctrl_c_ends_the_command(self):
        for command in self.commands():
            with tempfile.TemporaryDirectory() as folder:
                program = Path(folder, "loop.ts")
                program.write_text("console.log('begun'); while (true) {}")
                child = subprocess.Popen(
                    [*command, "exec", str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
                self.assertEqual(child.stdout.readline(), "begun\n")
                child.send_signal(signal.SIGINT)
                _, errors = child.communicate(timeout=PATIENCE)
                self.assertEqual((errors, child.returncode), ("conduit: cancelled\n", 130))

    def test_the_command_serves_mcp(self):
        def message(method, **params):
            return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n"

        client = {"name": "test", "version": "1"}
        hello = message("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder, "conduit.yaml")
            config.write_text("languages: [python]\n")
            child = subprocess.Popen(
                [sys.executable, "-m", "conduit", "serve", "--stdio", "--config", str(config)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            child.stdin.write(hello)
            child.stdin.flush()
            self.assertEqual(json.loads(child.stdout.readline())["result"]["serverInfo"]["name"], "conduit")
            child.communicate(timeout=PATIENCE)
            self.assertEqual(child.returncode, 0)


