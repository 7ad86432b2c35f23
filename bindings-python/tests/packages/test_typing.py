"""The types of the package: mypy is content with it, with a user of it, and with what is said of the extension."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

USER = '''
import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from conduit import AsyncRuntime, ExecutionResult, Limits, Runtime, tool

@tool
def plain(a: int) -> int:
    return a

@tool(name="other")
def named(a: str) -> str:
    return a

one: int = plain(1)
two: str = named("x")

with Runtime(policy={"allow": ["host.*"]}, tools=[plain, named]) as runtime:
    @runtime.tool
    def add(a: int, b: int) -> int:
        return a + b

    @runtime.tool(upstream="mine", input_schema=False)
    async def later() -> None: ...

    four: Callable[[], Coroutine[Any, Any, None]] = later

    three: int = add(1, 2)
    result: ExecutionResult = runtime.execute("1", language="python", allow=("host.*",), limits=Limits(wall_time_s=5))
    outcome = result.outcome
    if outcome.status == "failed":
        text: str = outcome.error.message
    elif outcome.status == "limit_exceeded":
        limit: str = outcome.limit
    for event in runtime.spawn("1", language="python").events():
        if event.event == "stdout":
            print(event.text)
    count: int = len(runtime.search_tools("x").tools)

async def main() -> None:
    async with AsyncRuntime("conduit.yaml") as runtime:
        value: object = (await runtime.execute("1", language="typescript")).value
        async for event in runtime.spawn("1", language="python").events():
            if event.event == "tool_call_ended":
                print(event.record.duration_s)

asyncio.run(main())
'''
WRONG = {
    'runtime.execute("1", language="ruby")': "[arg-type]",
    'runtime.execute("1", "python")': "[call-arg]",
    'runtime.execute("1")': "[call-arg]",
    'runtime.execute("1", language="python", alow=[])': "[call-arg]",
    'runtime.spawn("1", language="python", limits={})': "[arg-type]",
    'runtime.execute("1", language="python").outcome.errors': "[union-attr]",
    'runtime.tool(nme="x")': "[call-overload]",
    'Runtime(polcy={})': "[call-arg]",
    'Runtime(limits={}, max_queue="1")': "[arg-type]",
}


#: A folder above that is a package, as `/tmp` may be by accident, is none of the program's.
STRICT = ("--strict", "--explicit-package-bases", "--cache-dir", os.devnull)


class Typing(unittest.TestCase):
    def run_module(self, *arguments: str) -> "tuple[int, str]":
        ended = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=300)
        return ended.returncode, ended.stdout + ended.stderr

    def test_the_package_is_typed(self) -> None:
        # The adapters are checked where their frameworks are: see ../adapters.
        modules = ("-m", "conduit", "-m", "conduit.__main__")
        status, printed = self.run_module("mypy", "--strict", "--cache-dir", os.devnull, *modules)
        self.assertEqual(status, 0, printed)

    def test_a_user_is_typed(self) -> None:
        wrong = "\n".join(WRONG)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "user.py")
            path.write_text(USER)
            status, printed = self.run_module("mypy", *STRICT, str(path))
            self.assertEqual(status, 0, printed)
            path.write_text(f"from conduit import Runtime\nruntime = Runtime()\n{wrong}\n")
            _, printed = self.run_module("mypy", *STRICT, str(path))
            for number, code in enumerate(WRONG.values(), 3):
                self.assertRegex(printed, rf"(?m)user\.py:{number}: error: .* {re.escape(code)}$")

    def test_the_extension_is_what_its_types_say(self) -> None:
        status, printed = self.run_module("mypy.stubtest", "conduit._conduit")
        self.assertEqual(status, 0, printed)
