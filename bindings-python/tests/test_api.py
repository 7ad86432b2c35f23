"""The API that waits: programs, results, errors, and what is asked about tools."""

import os
import pickle
import tempfile
import threading
import unittest
import unittest.mock
from pathlib import Path

import conduit
from conduit import ConduitError, EventStdout, EventToolCallEnded, EventToolCallStarted, Limits, Runtime

PATIENCE = 60
LOOP = "while (true) {}"
WAIT = "console.log(1); await new Promise((resolve) => setTimeout(resolve, 9e5))"


def code_of(error):
    return error.exception.code


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.runtime = Runtime(policy={"allow": ["host.*"]}, max_limits={"wall_time": "20s"})

        @cls.runtime.tool
        def double(n: int) -> int:
            """Twice a number."""
            return 2 * n

    @classmethod
    def tearDownClass(cls):
        cls.runtime.close()

    def test_a_result_has_everything(self):
        code = "import sys\nprint('a')\nprint('b', file=sys.stderr)\nreturn [await tools.host.double(n=input), None]"
        result = self.runtime.execute(code, language="python", input=21)
        result.raise_for_outcome()
        self.assertEqual(result.outcome, conduit.OutcomeCompleted())
        self.assertEqual((result.value, result.stdout, result.stderr), ([42, None], "a\n", "b\n"))
        self.assertEqual([(call.tool, call.error) for call in result.tool_calls], [("host.double", None)])
        self.assertEqual((result.usage.tool_calls, result.usage.log_entries, result.usage.clamped), (1, 2, ()))
        self.assertEqual(len(result.id), 32)
        self.assertGreater(result.usage.wall_time_s, result.tool_calls[0].duration_s)

    def test_a_program_that_throws_raises_when_asked(self):
        result = self.runtime.execute("let a = 1;\nnull.x", language="typescript")
        with self.assertRaises(conduit.ProgramFailed) as raised:
            result.raise_for_outcome()
        self.assertEqual(str(raised.exception), "TypeError: cannot read property 'x' of null")
        self.assertEqual((raised.exception.error.line, raised.exception.error.column), (2, 6))
        self.assertIs(raised.exception.result, result)
        self.assertEqual(result.outcome.status, "failed")

    def test_a_limit_raises_when_asked(self):
        result = self.runtime.execute(LOOP, language="typescript", limits=Limits(cpu_time_s=0.05))
        with self.assertRaises(conduit.LimitExceeded) as raised:
            result.raise_for_outcome()
        self.assertEqual(raised.exception.limit, "cpu_time")
        words = "the program went over its limit `cpu_time` of 50 ms, compute less, or in several runs"
        self.assertEqual(str(raised.exception), words)

    def test_a_limit_above_the_most_is_clamped(self):
        result = self.runtime.execute("1", language="typescript", limits=Limits(wall_time_s=25.0))
        self.assertEqual(result.usage.clamped, ("wall_time",))

    def test_an_execution_can_be_watched_and_cancelled(self):
        code = f"await tools.host.double({{ n: 1 }}); console.log('begun'); {LOOP}"
        execution = self.runtime.spawn(code, language="typescript")
        events = execution.events()
        started, ended, stdout = next(events), next(events), next(events)
        self.assertEqual(started, EventToolCallStarted(index=0, tool="host.double"))
        self.assertIsInstance(ended, EventToolCallEnded)
        self.assertEqual((ended.index, ended.record.tool, ended.record.error), (0, "host.double", None))
        self.assertEqual(stdout, EventStdout(text="begun\n"))
        execution.cancel()
        result = execution.join()
        self.assertEqual(result.id, execution.id)
        self.assertEqual(list(events), [])
        self.assertEqual(execution.join(), result)
        with self.assertRaises(conduit.Cancelled) as raised:
            result.raise_for_outcome()
        self.assertEqual(str(raised.exception), "the execution was cancelled")

    def test_a_request_narrows_the_policy(self):
        code = "return await tools.host.double({ n: 1 })"
        for allow in ([], ("other.*",)):
            result = self.runtime.execute(code, language="typescript", allow=allow)
            self.assertEqual(result.tool_calls[0].error, "tool_not_found")
        self.assertEqual(self.runtime.tools(allow=[]), ())

    def test_what_the_caller_must_mend_is_raised(self):
        def refused(**request):
            with self.assertRaises(ConduitError) as raised:
                self.runtime.execute(**{"code": "1", "language": "python", **request})
            return raised.exception.code, str(raised.exception)

        code, text = refused(language="ruby")
        self.assertEqual(code, "invalid_request")
        self.assertIn("unknown variant `ruby`, expected `typescript` or `python`", text)
        self.assertEqual(refused(allow=["x"])[0], "invalid_request")
        self.assertEqual(refused(allow="host.*")[0], "invalid_request")
        code, text = refused(input=float("nan"))
        self.assertEqual(code, "invalid_request")
        self.assertRegex(text, "^the request is no JSON: Out of range float values are not JSON compliant")
        words = "the request is no JSON: Object of type set is not JSON serializable"
        self.assertEqual(refused(input={1}), ("invalid_request", words))
        cycle = []
        cycle.append(cycle)
        words = "the request is no JSON: Circular reference detected"
        self.assertEqual(refused(input=cycle), ("invalid_request", words))
        self.assertEqual(refused(code="'\ud800'")[0], "invalid_request")
        words = "limit `wall_time_s` cannot be `nan`, expected a number of seconds"
        self.assertEqual(refused(limits=Limits(wall_time_s=float("nan"))), ("invalid_limit", words))
        words = "limit `wall_time_ms` cannot be `0`, expected at least 1"
        self.assertEqual(refused(limits=Limits(wall_time_s=0.0)), ("invalid_limit", words))
        self.assertEqual(refused(limits=Limits(tool_calls=-1))[0], "invalid_request")

    def test_tools_can_be_searched_and_described(self):
        (tool,) = self.runtime.tools()
        self.assertEqual((tool.name, tool.description), ("host.double", "Twice a number."))
        self.assertEqual(self.runtime.tools(allow=("host.*",)), (tool,))
        found = self.runtime.search_tools("twice a number", limit=1)
        self.assertEqual((found.tools, found.unavailable), ((tool,), ()))
        described = self.runtime.describe_tools(["host.double", "host.none"])
        self.assertEqual(described.tools, (tool,))
        self.assertEqual([(it.code, it.tool) for it in described.not_found], [("tool_not_found", "host.none")])
        self.assertEqual(self.runtime.describe_tools(["host.double"], allow=[]).tools, ())
        self.assertIn("double(args: {", self.runtime.declarations("typescript"))
        self.assertIn("def double(", self.runtime.declarations("python"))
        self.assertNotIn("double", self.runtime.declarations("python", allow=[]))
        (status,) = self.runtime.check()
        self.assertEqual((status.id, status.tools, status.error, status.warnings), ("host", 1, None, ()))
        for ask in (
            lambda: self.runtime.search_tools(""),
            lambda: self.runtime.search_tools("x", limit=0),
            lambda: self.runtime.describe_tools([]),
            lambda: self.runtime.declarations("ruby"),
            lambda: self.runtime.tools(allow="host.*"),
            lambda: self.runtime.tools(allow={1}),
        ):
            with self.assertRaises(ConduitError) as raised:
                ask()
            self.assertEqual(code_of(raised), "invalid_request")


class Lifecycle(unittest.TestCase):
    def test_a_closed_runtime_refuses(self):
        for is_started in (True, False):
            runtime = Runtime()
            if is_started:
                self.assertEqual(runtime.execute("6 * 7", language="python").value, 42)
            runtime.close()
            runtime.close()
            with self.assertRaises(ConduitError) as raised:
                runtime.execute("1", language="python")
            self.assertEqual((code_of(raised), str(raised.exception)), ("shut_down", "the runtime is shut down"))

    def test_closing_ends_what_runs(self):
        with Runtime() as runtime:
            execution = runtime.spawn(WAIT, language="typescript")
            next(execution.events())
        self.assertEqual(execution.join().outcome.status, "cancelled")

    def test_closing_while_it_starts_closes_what_starts(self):
        runtime = Runtime()
        lock, waits = threading.Lock(), threading.Event()

        class Lock:
            def __enter__(self):
                if threading.current_thread() is closer:
                    waits.set()
                lock.acquire()

            def __exit__(self, *_):
                lock.release()

        def close():
            runtime.close()
            waits.set()

        def start(*given, **named):
            native = type(runtime._host).start(runtime._host, *given, **named)
            closer.start()
            self.assertTrue(waits.wait(PATIENCE))
            return native

        closer = threading.Thread(target=close)
        runtime._locks[os.getpid()] = Lock()
        with unittest.mock.patch.object(runtime._host, "start", start):
            native = runtime._started()
        closer.join(PATIENCE)
        with self.assertRaises(ConduitError) as raised:
            native.execute('{"language": "python", "code": "1"}').wait()
        self.assertEqual(code_of(raised), "shut_down")

    def test_a_config_is_a_file_or_its_keys(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "conduit.yaml")
            path.write_text("languages: [python]\n")
            with Runtime(path) as runtime:
                self.assertEqual(runtime.execute("1 + 1", language="python").value, 2)
                with self.assertRaises(ConduitError) as raised:
                    runtime.execute("1", language="typescript")
                self.assertEqual(code_of(raised), "invalid_request")
            with self.assertRaises(ConduitError) as raised:
                Runtime(str(path), policy={"allow": []})
            words = "`policy` stands beside `config`, expected a file or its keys"
            self.assertEqual((code_of(raised), str(raised.exception)), ("invalid_config", words))

    def test_an_option_that_there_is_not_is_refused(self):
        with Runtime() as runtime:
            for ask in (
                lambda: Runtime(polices=None),
                lambda: runtime.execute("1", language="python", polices=None),
                lambda: runtime.spawn("1", language="python", polices=1),
            ):
                with self.assertRaisesRegex(TypeError, "^`polices` is no option, expected one of: .*limits"):
                    ask()
            with self.assertRaises(TypeError):
                runtime.execute("1")

    def test_a_config_is_checked_at_once(self):
        for keys in (
            {"config": "/no/such/file"},
            {"policy": {"alow": []}},
            {"policy": {"allow": {"host.*"}}},
            {"policy": {"allow": ["github"]}},
            {"limits": {"wall_time": "1h"}},
            {"languages": ["ruby"]},
            {"validation": "lax"},
            {"max_executions": 0},
            {"upstreams": [{"id": "x", "type": "http"}]},
        ):
            with self.assertRaises(ConduitError) as raised:
                Runtime(**keys)
            self.assertEqual(code_of(raised), "invalid_config", keys)
        with Runtime(limits=Limits(wall_time_s=700)) as runtime, self.assertRaises(ConduitError) as raised:
            runtime.execute("1", language="python")
        self.assertEqual(code_of(raised), "invalid_config")

    def test_an_upstream_that_is_down_has_an_error(self):
        server = {"id": "down", "type": "stdio", "command": "/no/such/program"}
        with Runtime(upstreams=[server], policy={"allow": ["down.*"]}) as runtime:
            (status,) = runtime.check()
            (unavailable,) = runtime.search_tools("x").unavailable
        for error in (status.error, unavailable.error):
            self.assertIsInstance(error, ConduitError)
            self.assertEqual((error.code, error.upstream, error.retryable), ("upstream_unavailable", "down", True))

    def test_a_full_runtime_is_busy(self):
        with Runtime(max_executions=1, max_queue=0) as runtime:
            execution = runtime.spawn(WAIT, language="typescript")
            next(execution.events())
            with self.assertRaises(ConduitError) as raised:
                runtime.execute("1", language="typescript")
            self.assertEqual((code_of(raised), raised.exception.retryable), ("busy", True))

    def test_errors_survive_pickling(self):
        with Runtime() as runtime:
            result = runtime.execute("throw new Error('x')", language="typescript")
        with self.assertRaises(conduit.ProgramFailed) as failed:
            result.raise_for_outcome()
        copy = pickle.loads(pickle.dumps(failed.exception))
        self.assertEqual((copy.result, copy.error, str(copy)), (result, failed.exception.error, "Error: x"))
        copy = pickle.loads(pickle.dumps(ConduitError("m", "busy", "u", True)))
        self.assertEqual((str(copy), copy.code, copy.upstream, copy.retryable), ("m", "busy", "u", True))
        copy = pickle.loads(pickle.dumps(ConduitError(message="m", retryable=True)))
        self.assertEqual((str(copy), copy.code, copy.upstream, copy.retryable), ("m", "internal", None, True))
        copy = pickle.loads(pickle.dumps(conduit.LimitExceeded(limit="memory", result=result, message="m")))
        self.assertEqual((str(copy), copy.limit, copy.result), ("m", "memory", result))
