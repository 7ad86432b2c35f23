"""The examples do what they say, docs/adapters.md shows them as they are, and all of it is typed."""

import asyncio
import contextlib
import importlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from agents import set_tracing_disabled

from chat_model import ScriptedModel as ChatModel
from chat_model import call
from test_openai_agents import ScriptedModel as OpenAiModel
from test_pydantic_ai import Script
from test_smolagents import ScriptedModel as SmolModel

ROOT = pathlib.Path(__file__).parents[3]
EXAMPLES = ROOT / "examples/adapters"
PROGRAM = """
import asyncio
found, rate = await asyncio.gather(tools.host.orders({arguments}), tools.host.rate(currency="DKK"))
return sum(order["cents"] for order in found) * rate
"""
OF_ANN, OWN = PROGRAM.format(arguments='customer="Ann"'), PROGRAM.format(arguments="")
MYPY = """
[mypy]
strict = True
[mypy-smolagents.*]
ignore_missing_imports = True
[mypy-smolagents_agent]
disallow_untyped_decorators = False
"""


class Examples(unittest.TestCase):
    def example(self, name):
        sys.path.insert(0, str(EXAMPLES))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.remove(str(EXAMPLES))

    def test_langchain(self):
        model = ChatModel(turns=[call("execute", code=OF_ANN), None])
        self.assertEqual(json.loads(self.example("langchain_agent").main(model)), {"value": 16500.0})

    def test_langgraph(self):
        model = ChatModel(turns=[call("execute", code=OWN), None])
        self.assertEqual(json.loads(self.example("langgraph_graph").main(model)), {"value": 16500.0})

    def test_pydantic_ai(self):
        model = Script(OWN, repeats=True).model()
        self.assertEqual(asyncio.run(self.example("pydantic_ai_agent").main(model)), str({"value": 16500.0}))

    def test_openai_agents(self):
        set_tracing_disabled(True)
        model = OpenAiModel(OWN, repeats=True)
        self.assertEqual(json.loads(asyncio.run(self.example("openai_agent").main(model))), {"value": 16500.0})

    def test_smolagents(self):
        def answer(messages):
            (said,) = re.findall(r"\{'value': ([0-9.]+)\}", str(messages[-1].content))
            return ("final_answer", {"answer": said})

        model = SmolModel(("execute", {"code": OF_ANN}), answer)
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(self.example("smolagents_agent").main(model), "16500.0")

    def test_the_page_shows_the_examples(self):
        page = (ROOT / "docs/adapters.md").read_text()
        samples = re.findall(r"(?s)\[examples/adapters/(\w+\.py)\]\S+:\n\n```python\n(.*?)```", page)
        self.assertEqual(sorted(name for name, _ in samples), sorted(path.name for path in EXAMPLES.glob("*.py")))
        for name, sample in samples:
            self.assertEqual(sample, (EXAMPLES / name).read_text(), name)

    def test_the_adapters_and_the_examples_are_typed(self):
        modules = [argument for path in sorted(EXAMPLES.glob("*.py")) for argument in ("-m", path.stem)]
        # The frameworks are large: what is known of them stays.
        cache = ROOT / ".work/mypy-adapters"
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder, "mypy.ini")
            config.write_text(MYPY)
            mypy = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(cache)]
            environment = {**os.environ, "MYPYPATH": str(EXAMPLES)}
            ended = subprocess.run(
                [*mypy, "-p", "conduit", *modules], capture_output=True, text=True, cwd=folder, env=environment
            )
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)


if __name__ == "__main__":
    unittest.main()
