"""Runs one module of CPython's test-suite in the sandbox. `collect.py` puts `files.py` in front, with what is sent.

`input` is `{"module": "test_json", "start": 0, "left_out": []}`: the number of the first test, behind the one with which an earlier
run has ended, and names that are not run. Each test prints a line of JSON when it starts, `[position, id]`, and one for whatever is
to be told of it, `[kind, id, text, more]`.
"""

import asyncio
import asyncio.events
import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import posixpath
import sys
import time
import traceback
import unittest

#: `Py_C_RECURSION_LIMIT` of WASI.
C_RECURSION_LIMIT = 5000


class Importer(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """The modules of `test`, out of `MODULES`."""

    def find_spec(self, name, path=None, target=None):
        if name not in MODULES:
            beneath = any(module.startswith(f"{name}.") for module in MODULES)
            return importlib.machinery.ModuleSpec(name, None, is_package=True) if beneath else None
        package, origin, _ = MODULES[name]
        spec = importlib.util.spec_from_loader(name, self, origin=origin, is_package=package)
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [posixpath.dirname(origin)]
        return spec

    def is_package(self, name):
        return MODULES[name][0]

    def get_filename(self, name):
        return MODULES[name][1]

    def get_source(self, name):
        return importlib.util.decode_source(FILES[self.get_filename(name)])

    def exec_module(self, module):
        # As the program itself: it sees what it puts into `builtins`.
        module.__builtins__ = builtins
        super().exec_module(module)

    def get_code(self, name):
        return compile(FILES[self.get_filename(name)], self.get_filename(name), "exec", dont_inherit=True)


class Waiting:
    """In the place of a loop's selector: the time goes by, and nothing comes."""

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("deadlock: the loop waits for what cannot come")
        time.sleep(timeout)
        return []

    def get_map(self):
        return {}

    def close(self):
        pass


class TestLoop(asyncio.base_events.BaseEventLoop):
    """asyncio's own loop. The guest's is driven by the host; tests want loops that they start and stop."""

    def __init__(self, selector=None):
        super().__init__()
        self._selector = Waiting()

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    run_in_executor = type(asyncio._get_running_loop()).run_in_executor


class TestPolicy(asyncio.unix_events._UnixDefaultEventLoopPolicy):
    _loop_factory = TestLoop


def restore_asyncio():
    """Takes the guest's loop away, and gives `asyncio.run` and `asyncio.Runner` back."""
    asyncio._set_running_loop(None)
    sys.set_asyncgen_hooks(None, None)
    asyncio.events.set_event_loop_policy(TestPolicy())
    asyncio.DefaultEventLoopPolicy = TestPolicy
    asyncio.SelectorEventLoop = asyncio.EventLoop = TestLoop
    spec = asyncio.runners.__spec__
    spec.loader.exec_module(asyncio.runners)
    asyncio.run, asyncio.Runner = asyncio.runners.run, asyncio.runners.Runner


def tell(*line):
    print(json.dumps(line), file=sys.__stdout__)


def tell_error(kind, test, error):
    """The class and the first line of the message are compared with what is expected; the rest is for people."""
    first = (str(error) or " ").splitlines()[0]
    tell(kind, test, f"{type(error).__name__}: {first}"[:500], "".join(traceback.format_exception(error))[-3000:])


class Result(unittest.TestResult):
    def __init__(self, positions):
        super().__init__()
        self.positions = positions

    def startTest(self, test):
        super().startTest(test)
        tell(self.positions.get(id(test), -1), test.id())

    def addError(self, test, error):
        tell_error("error", test.id(), error[1])

    def addFailure(self, test, error):
        tell_error("failure", test.id(), error[1])

    def addSubTest(self, test, subtest, error):
        if error is not None:
            tell_error("failure", test.id(), error[1])

    def addSkip(self, test, reason):
        tell("skip", test.id(), str(reason))

    def addUnexpectedSuccess(self, test):
        tell("failure", test.id(), "unexpected success", "")


def load(loader, name):
    """The tests of one module. One that cannot be imported has none, and says why."""
    try:
        return loader.loadTestsFromModule(importlib.import_module(name))
    except unittest.SkipTest as reason:
        tell("skip", name, str(reason))
    except Exception as error:
        tell_error("error", name, error)
    return unittest.TestSuite()


def load_package_tests(folder, loader, suite, pattern):
    """Takes the place of `test.support`'s, which looks for modules in folders."""
    package = ".".join(["test", *posixpath.relpath(folder, PLACE).split("/")])
    for name in sorted(MODULES):
        parent, _, last = name.rpartition(".")
        if parent == package and last.startswith("test"):
            suite.addTests(load(loader, name))
    return suite


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def runs(test):
    """Whether a test is to be run, by its number or its name."""
    position, test = test
    if position < input["start"]:
        return False
    name = test.id().removeprefix("test.")
    left_out = any(name == other or name.startswith(f"{other}.") for other in input["left_out"])
    if left_out:
        tell("left out", test.id())
    return not left_out


def prepare():
    """Makes of the guest what the tests expect of a Python."""
    sys.meta_path.insert(0, Importer())
    install()
    restore_asyncio()
    if input["module"] == "test_zoneinfo":
        # Its copies of the module read files; those of the guest have a table.
        import _conduit_zones

        write_all({f"/usr/share/zoneinfo/{name}": data for name, data in _conduit_zones.ZONES.items()})
        os.environ["PYTHONTZPATH"] = "/usr/share/zoneinfo"
    import test.support.os_helper

    test.support.load_package_tests = load_package_tests
    # It would find this out by making files.
    for what in ("symlink", "hardlink", "xattr", "chmod", "dac_override"):
        setattr(test.support.os_helper, f"_can_{what}", False)
    # Both would be asked of a module for tests that is not built in.
    test.support.has_no_debug_ranges = lambda: False
    test.support.get_c_recursion_limit = lambda: C_RECURSION_LIMIT


def main():
    prepare()
    tests = list(enumerate(flat(load(unittest.defaultTestLoader, f"test.{input['module']}"))))
    result = Result({id(test): position for position, test in tests})
    unittest.TestSuite(test for _, test in filter(runs, tests)).run(result)


main()
asyncio._set_running_loop(None)
