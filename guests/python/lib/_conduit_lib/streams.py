"""`sys.stdout`, `sys.stderr` and `sys.stdin`."""

import io
import sys

import _conduit


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`: texts in UTF-8."""

    def __init__(self, stream):
        self._stream = stream

    def writable(self):
        return True

    def write(self, data, /):
        data = bytes(data)
        self._stream.write(data.decode(errors="replace"))
        return len(data)

    def flush(self):
        self._stream.flush()

    def close(self):
        pass


class _Output(io.TextIOBase):
    encoding = "utf-8"
    errors = "replace"
    newlines = None
    mode = "w"

    @property
    def buffer(self):
        return _Bytes(self)

    def writable(self):
        return True

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        _conduit.flush()

    def close(self):
        self.flush()

    def fileno(self):
        raise io.UnsupportedOperation("fileno")

    def reconfigure(self, **options):
        pass


class _Stdout(_Output):
    name = "<stdout>"
    write = staticmethod(_conduit.write_stdout)


class _Stderr(_Output):
    name = "<stderr>"
    write = staticmethod(_conduit.write_stderr)


class _Stdin(io.TextIOBase):
    name = "<stdin>"
    encoding = "utf-8"
    mode = "r"

    def readable(self):
        return True

    def read(self, size=-1, /):
        raise nobody()

    readline = read


def nobody():
    return EOFError("there is no standard input and nobody to ask: a program finds what it is given in `input`")


def ask(prompt="", /):
    """Takes the place of the built-in `input`."""
    raise nobody()


sys.stdout = sys.__stdout__ = _Stdout()
sys.stderr = sys.__stderr__ = _Stderr()
sys.stdin = sys.__stdin__ = _Stdin()
