"""Runs modules of CPython's test-suite in the sandbox, holds what fails against `expected.toml`, and writes `docs/cpython-tests.md`.

Usage: run.py CONDUIT LIB WORK [MODULE...], by the CPython that the guest was built with. Without MODULE it runs all, and writes the
page. Ends with status 1 when a failure is not explained, or an explanation explains nothing.
"""

import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import expectations
import page
from collect import Suite

#: The highest there are.
LIMITS = {
    "program_size": "4MiB",
    "cpu_time": "5min",
    "wall_time": "10min",
    "memory": "1GiB",
    "output": "64MiB",
    "log_entries": "1000000",
}
#: How often a module is begun anew behind a test that ended its run.
MOST_RUNS = 20


@dataclasses.dataclass
class Outcome:
    """What became of the tests of one module, by their names."""

    module: str
    started: set = dataclasses.field(default_factory=set)
    #: `{name: [first line of each of its failures]}`
    failed: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    #: `{name: reason}`
    skipped: dict = dataclasses.field(default_factory=dict)
    left_out: set = dataclasses.field(default_factory=set)

    def take(self, events):
        """Adds what a run has told; gives the number of the last test that it has started, -1 for none."""
        last = -1
        for kind, name, *texts in events:
            name = name.removeprefix("test.")
            if name.startswith(("setUpClass (", "tearDownClass (", "setUpModule (", "tearDownModule (")):
                what, _, where = name.rstrip(")").partition(" (")
                name = f"{where.removeprefix("test.")}.{what}"
            if isinstance(kind, int):
                last = kind
                self.started.add(name)
            elif kind == "skip":
                self.skipped[name] = texts[0]
            elif kind == "left out":
                self.left_out.add(name)
            else:
                self.failed[name].append(texts[0])
        return last

    def passed(self):
        return self.started - self.failed.keys() - self.skipped.keys()


class Runner:
    def __init__(self, conduit, library, work, left_out):
        self.conduit, self.suite, self.work, self.left_out = conduit, Suite(library), work, left_out

    def run(self, module):
        """Runs one module to its end, in as many runs as it takes."""
        program = self.work / f"{module}.py"
        program.write_text(self.suite.program(module))
        outcome, start, told = Outcome(module), 0, []
        for _ in range(MOST_RUNS):
            ended, events = self._run(program, {"module": module, "start": start, "left_out": self.left_out})
            told += events
            last = outcome.take(events)
            if ended["status"] == "completed":
                break
            text = ended.get("message") or "{name}: {message}".format(**ended["error"])
            name = next((name for kind, name, *_ in reversed(events) if kind == last), module)
            told.append(["ended", name, text, json.dumps(ended)])
            outcome.take(told[-1:])
            if last < start:
                break
            start = last + 1
        lines = "".join(f"{json.dumps(event)}\n" for event in told)
        program.with_suffix(".jsonl").write_text(lines)
        return outcome

    def _run(self, program, given):
        command = [self.conduit, "exec", program, "--json", "--input", json.dumps(given)]
        command += [f"--limit={name}={value}" for name, value in LIMITS.items()]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        result = json.loads(ran.stdout)
        return result["outcome"], [json.loads(line) for line in result["stdout"].splitlines() if line.startswith("[")]


def main(conduit, library, work, *modules):
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    expected = expectations.Expectations(pathlib.Path(__file__).with_name("expected.toml"))
    runner = Runner(conduit, pathlib.Path(library), work, expected.left_out())
    chosen = modules or [module for module in runner.suite.units() if not expected.leaves_out(module)]
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(os.process_cpu_count()) as pool:
        for outcome in pool.map(runner.run, chosen):
            print(page.row(outcome), flush=True)
            outcomes.append(outcome)
    complaints = expected.judge(outcomes, complete=not modules)
    print("\n".join(complaints))
    if not modules:
        pathlib.Path(__file__).parents[2].joinpath("docs/cpython-tests.md").write_text(page.text(outcomes, expected))
    return 1 if complaints else 0


sys.exit(main(*sys.argv[1:]))
