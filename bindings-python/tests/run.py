"""Runs the tests of this folder, or of the folder that is named, and closes with a line like that of Rust's tests."""

import pathlib
import sys
import unittest

folder = pathlib.Path(__file__).parent.joinpath(*sys.argv[1:2])
sys.path.insert(0, str(folder))
suite = unittest.defaultTestLoader.discover(str(folder), top_level_dir=str(folder))
result = unittest.TextTestRunner(verbosity=2).run(suite)
failed = len({id(test) for test, _ in result.failures + result.errors}) + len(result.unexpectedSuccesses)
passed = max(result.testsRun - failed - len(result.skipped), 0)
word = "ok" if result.wasSuccessful() and result.testsRun else "FAILED"
print(f"test result: {word}. {passed} passed; {failed} failed; {len(result.skipped)} ignored", flush=True)
sys.exit(word != "ok")
