"""Makes one program out of a module of CPython's test-suite: its sources, what it imports of `test`, the files that it reads, and
`program.py`."""

import ast
import base64
import functools
import json
import pathlib
import re
import zlib

#: Modules of the standard library that the guest does not have, and that tests of something else import.
BESIDE = {"_pyrepl", "dbm", "http.server", "mailbox", "multiprocessing", "pydoc", "socketserver", "wsgiref"}

_SOCKET = ("\nsupport.requires_working_socket(module=True)", "\npass")
_PROCESS = ('raise unittest.SkipTest("test module requires subprocess")', "pass")
#: Lines that leave out whole modules for what few of their tests need, and what stands for them.
OPENED = {
    "test.test_asyncgen": [("\nrequires_working_socket(module=True)", "\npass")],
    "test.test_asyncio": [_SOCKET],
    "test.test_asyncio.test_staggered": [_SOCKET],
    "test.test_bytes": [("_testlimitedcapi = import_helper.import_module('_testlimitedcapi')", "_testlimitedcapi = None")],
    "test.test_asyncio.test_events": [("\n    import tty", "\n    pass")],
    "test.test_class": [("from _testinternalcapi import has_inline_values", "has_inline_values = None")],
    "test.test_code": [("    @skip_if_suppress_immortalization()\n", "")],
    "test.test_compile": [("import _testinternalcapi", "_testinternalcapi = None")],
    "test.test_contextlib_async": [_SOCKET],
    "test.test_importlib.util": [('import_helper.import_module("_testsinglephase")', "None")],
    "test.test_httplib": [_SOCKET],
    "test.test_queue": [("threading_helper.requires_working_threading(module=True)", "pass")],
    "test.test_shutil": [("os.isatty(sys.__stdout__.fileno())", "False")],
    "test.test_sys_settrace": [_SOCKET],
    "test.test_tools": [_PROCESS],
    "test.test_unittest.test_async_case": [_SOCKET],
    "test.test_unittest.testmock.testasync": [_SOCKET],
    "test.test_urllib": [('raise unittest.SkipTest("test requires gethostname()")', "pass")],
    "test.test_urllib2": [_SOCKET],
    "test.test_urllib_response": [('raise unittest.SkipTest("Cannot create socket on WASI")', "pass")],
}


class Suite:
    def __init__(self, library):
        self.library, self.folder = library, library / "test"
        names = {path.name for path in self.folder.iterdir() if path.suffix != ".py"}
        self.data = {name for name in names if not name.startswith("test_")} - {"data", "support"}

    def units(self):
        """The modules and packages of tests, by their names below `test`."""
        files = sorted(self.folder.glob("test_*"))
        return [path.stem for path in files if path.suffix == ".py" or (path / "__init__.py").exists()]

    def program(self, unit):
        """The text of a program that runs a unit."""
        modules, files = self._collect(unit)
        sent = {
            "modules": {
                name: [path.name == "__init__.py", self._place(path), _text(_opened(name, path.read_bytes()))]
                for name, path in sorted(modules.items())
            },
            "files": {self._place(path): _text(path.read_bytes()) for path in sorted(files)},
        }
        packed = _text(zlib.compress(json.dumps(sent).encode(), 9))
        parts = (pathlib.Path(__file__).with_name(name).read_text() for name in ("files.py", "program.py"))
        return "\n".join([f'PAYLOAD = "{packed}"', *parts])

    def _place(self, path):
        """Where the program sees a file of the library."""
        return f"/{path.relative_to(self.library)}"

    @functools.cache
    def _path(self, module):
        """The source of a module that can be sent, or None."""
        if module not in BESIDE and module.split(".")[0] not in {"test", *BESIDE}:
            return None
        base = self.library.joinpath(*module.split("."))
        return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)

    def _collect(self, unit):
        """The modules that a unit needs with their paths, and the files."""
        modules, files = {}, set()
        waiting = ["test.support.os_helper", *self._below(f"test.{unit}")]
        while waiting:
            name = waiting.pop()
            path = None if name in modules else self._path(name)
            if path is None:
                continue
            modules[name] = path
            try:
                tree = ast.parse(path.read_bytes())
            except SyntaxError:
                # It is a test that it has one.
                continue
            texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
            waiting += [name.rpartition(".")[0], *self._imported(name, tree)]
            if name in BESIDE:
                waiting += self._below(name)
            waiting += [text for text in texts if re.fullmatch(r"test(\.\w+)+", text)]
            if not name.startswith("test.support"):
                for first in self.data.intersection(text.strip("/").split("/")[0] for text in texts):
                    files |= _files(self.folder / first)
        return modules, files | _files(self.folder / unit)

    def _below(self, unit):
        """All modules of a unit."""
        paths = sorted(self.library.joinpath(*unit.split(".")).rglob("*.py"))
        names = [".".join(path.relative_to(self.library).with_suffix("").parts) for path in paths]
        return [unit, *(name.removesuffix(".__init__") for name in names)]

    def _imported(self, module, tree):
        """What a module imports, and the names in it."""
        package = module if self._path(module).name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: 1 - node.level or None] if node.level else []
                base = ".".join([*above, *filter(None, [node.module])])
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _opened(name, source):
    for line, instead in OPENED.get(name, ()):
        if line.encode() not in source:
            raise ValueError(f"`{name}` has no line `{line}`")
        source = source.replace(line.encode(), instead.encode())
    return source


def _files(path):
    """What can be read below a path. Sources are among them, as far as they are data."""
    found = [path] if path.is_file() else path.rglob("*")
    return {file for file in found if file.is_file() and "__pycache__" not in file.parts}


def _text(data):
    return base64.b64encode(data).decode()
