"""Files in memory, for tests: those that were sent, and those that they write. `collect.py` puts `PAYLOAD` in front, and
`program.py` behind.

Without links, rights and most that descriptors can do. A file has what was written when it is flushed or closed.
"""

import base64
import builtins
import errno
import glob
import io
import itertools
import json
import os
import posixpath
import tempfile
import tokenize
import zlib

SENT = json.loads(zlib.decompress(base64.b64decode(PAYLOAD)))
#: `{name: [is a package, path, source]}`
MODULES = SENT["modules"]
#: The folder in which tests run.
PLACE = "/test"
TEMPORARY = "/tmp"
#: When all files were made, in seconds.
CHANGED = 1_700_000_000

FILES = {}
FOLDERS = {"/", TEMPORARY}
#: The paths of descriptors that `os.open` gave.
DESCRIPTORS = {}
_names = ("chmod", "close", "listdir", "mkdir", "open", "rename", "rmdir", "scandir", "stat", "unlink", "write")
_beyond = {name: getattr(os, name) for name in _names}
_open_beyond = builtins.open
_numbers = itertools.count(1000)


def place(path):
    """The absolute path that is meant; None for what is none, such as a descriptor."""
    try:
        return posixpath.normpath(posixpath.join(PLACE, os.fsdecode(path)))
    except TypeError:
        return None


class Bytes(io.BytesIO):
    """An open file, or what is behind one in text mode."""

    def __init__(self, path, mode, deleted=False):
        super().__init__(b"" if "w" in mode or "x" in mode else FILES.get(place(path), b""))
        self.name, self.mode, self.deleted = path, mode, deleted
        self._writes = not set("wxa+").isdisjoint(mode)
        if "a" in mode:
            self.seek(0, io.SEEK_END)
        self.flush()

    def readable(self):
        return "r" in self.mode or "+" in self.mode

    def writable(self):
        return self._writes

    def read(self, *size):
        self._must(self.readable(), "not readable")
        return super().read(*size)

    def write(self, data):
        self._must(self._writes, "not writable")
        return super().write(data)

    def truncate(self, size=None):
        size = self.tell() if size is None else size
        super().truncate(size)
        self.__setstate__((self.getvalue().ljust(size, b"\0"), self.tell(), None))
        return size

    def _must(self, holds, message):
        if not holds:
            raise io.UnsupportedOperation(message)

    def flush(self):
        super().flush()
        if self._writes:
            FILES[place(self.name)] = self.getvalue()

    def close(self):
        if not self.closed:
            self.flush()
            if self.deleted:
                FILES.pop(place(self.name), None)
        super().close()


def write_all(files):
    """Writes whole files, and makes their folders."""
    FILES.update(files)
    FOLDERS.update(path[:at] for path in files for at in range(1, len(path)) if path[at] == "/")


def error(number, path):
    return OSError(number, os.strerror(number), path)


def open_file(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None, deleted=False):
    if isinstance(file, int):
        file = DESCRIPTORS.pop(file, file)
    path = place(file)
    known = set(mode) <= set("rwxabt+") and path is not None and opener is None and buffering != 0
    if not known or path in FOLDERS or posixpath.dirname(path) not in FOLDERS:
        return _open_beyond(file, mode, buffering, encoding, errors, newline, closefd, opener)
    if ("r" in mode) != (path in FILES) and set(mode) & set("rx"):
        raise error(errno.ENOENT if "r" in mode else errno.EEXIST, file)
    if "b" in mode:
        return Bytes(file, mode, deleted)
    text = io.TextIOWrapper(Bytes(file, mode, deleted), encoding, errors, newline)
    text.mode = mode
    return text


def temporary(mode="w+b", buffering=-1, encoding=None, newline=None, suffix="", prefix="", *rest, delete=True, **options):
    """Takes the place of `tempfile.TemporaryFile` and its kin."""
    path = f"{TEMPORARY}/{prefix or ''}{next(_numbers)}{suffix or ''}"
    return open_file(path, mode, -1, encoding, options.get("errors"), newline, deleted=delete)


def open_descriptor(path, flags, *rest, **options):
    where = place(path)
    if where is None or where in FOLDERS or posixpath.dirname(where) not in FOLDERS:
        return _beyond["open"](path, flags, *rest, **options)
    if where in FILES and flags & os.O_CREAT and flags & os.O_EXCL:
        raise error(errno.EEXIST, path)
    if where not in FILES and not flags & os.O_CREAT:
        raise error(errno.ENOENT, path)
    if where not in FILES or flags & os.O_TRUNC:
        FILES[where] = b""
    number = next(_numbers)
    DESCRIPTORS[number] = path
    return number


def close(number):
    if DESCRIPTORS.pop(number, None) is None:
        _beyond["close"](number)


def write(number, data):
    if number not in DESCRIPTORS:
        return _beyond["write"](number, data)
    FILES[place(DESCRIPTORS[number])] += bytes(data)
    return len(data)


class Scan:
    """What `os.scandir` gives."""

    def __init__(self, entries):
        self._entries = entries

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    close = __exit__

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._entries)


class Entry:
    """What a scan gives."""

    def __init__(self, folder, name):
        self.name, self.path = name, os.path.join(folder, name)

    def is_dir(self, **options):
        return place(self.path) in FOLDERS

    def is_file(self, **options):
        return place(self.path) in FILES

    def is_symlink(self):
        return False

    is_junction = is_symlink

    def stat(self, **options):
        return stat(self.path)

    def inode(self):
        return 1

    def __fspath__(self):
        return self.path


def listdir(path="."):
    start = f"{place(path)}/".replace("//", "/") if place(path) in FOLDERS else None
    if start is None:
        return _beyond["listdir"](path)
    below = {found[len(start) :].split("/")[0] for found in FILES.keys() | FOLDERS if found.startswith(start)} - {""}
    return sorted(map(os.fsencode, below) if isinstance(path, bytes) else below)


def scandir(path="."):
    if place(path) not in FOLDERS:
        return _beyond["scandir"](path)
    return Scan(Entry(os.fspath(path), name) for name in listdir(path))


def _stat_result(mode, size):
    times = {f"st_{which}time_ns": CHANGED * 1_000_000_000 for which in "amc"}
    return os.stat_result((mode, 1, 0, 1, 0, 0, size, *[CHANGED] * 3), times)


def stat(path, *rest, **options):
    if place(path) in FILES:
        return _stat_result(0o100644, len(FILES[place(path)]))
    return _stat_result(0o40755, 0) if place(path) in FOLDERS else _beyond["stat"](path, *rest, **options)


def unlink(path, *rest, **options):
    if FILES.pop(place(path), None) is None:
        _beyond["unlink"](path, *rest, **options)


def rename(source, target, **options):
    if place(source) not in FILES or posixpath.dirname(place(target)) not in FOLDERS:
        _beyond["rename"](source, target, **options)
    FILES[place(target)] = FILES.pop(place(source))


def mkdir(path, *rest, **options):
    if place(path) in FILES.keys() | FOLDERS:
        raise error(errno.EEXIST, path)
    if posixpath.dirname(place(path)) not in FOLDERS:
        raise error(errno.ENOENT, path)
    FOLDERS.add(place(path))


def chmod(path, *rest, **options):
    if place(path) not in FILES.keys() | FOLDERS:
        _beyond["chmod"](path, *rest, **options)


def rmdir(path, *rest, **options):
    if place(path) not in FOLDERS:
        _beyond["rmdir"](path, *rest, **options)
    if listdir(path):
        raise error(errno.ENOTEMPTY, path)
    FOLDERS.remove(place(path))


def install():
    write_all({path: base64.b64decode(text) for path, text in SENT["files"].items()})
    write_all({path: base64.b64decode(source) for _, path, source in MODULES.values()})
    # No methods, when a class has one of them as its attribute. The library has built-in functions of its own.
    builtins.open = io.open = tokenize._builtin_open = json.__builtins__["open"] = staticmethod(open_file)
    for function in (chmod, close, listdir, mkdir, rename, rmdir, scandir, stat, unlink, write):
        setattr(os, function.__name__, staticmethod(function))
    os.open, os.lstat, os.remove = staticmethod(open_descriptor), os.stat, os.unlink
    os.replace = os.rename
    os.getcwd, os.getcwdb = lambda: PLACE, lambda: PLACE.encode()
    glob._StringGlobber.scandir = os.scandir
    tempfile.tempdir = TEMPORARY
    tempfile.TemporaryFile = tempfile.NamedTemporaryFile = temporary
