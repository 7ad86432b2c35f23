"""What the host is told of an error, and what tracebacks show: the program's lines only."""

import linecache
import traceback

from . import PROGRAM

_NAME, _MESSAGE, _STACK = 256, 8 * 1024, 16 * 1024

_extract = traceback.StackSummary._extract_from_extended_frame_gen.__func__


@classmethod
def _extract_program(cls, frames, **options):
    """Without the frames of the library and of ours."""
    shown = (entry for entry in frames if not entry[0].f_code.co_filename.startswith("<frozen "))
    return _extract(cls, shown, **options)


def _cut(text, most):
    """The beginning and the end of a text that is longer than `most` bytes."""
    if len(text) * 4 <= most or len(data := text.encode(errors="replace")) <= most:
        return text
    head, tail = data[: most // 2].decode(errors="ignore"), data[-most // 2 :].decode(errors="ignore")
    return f"{head}... {len(data) - most} bytes left out ...{tail}"


def _utf16_column(line_text, column):
    """From a column in code points, from 0, to one in UTF-16 units, from 1."""
    return len(line_text[:column].encode("utf-16-le", "surrogatepass")) // 2 + 1


class Placed(RuntimeError):
    """An error that was not raised where it was made."""

    def __init__(self, message, line):
        super().__init__(message)
        self.line = line


Placed.__name__ = Placed.__qualname__ = "RuntimeError"
Placed.__module__ = "builtins"


def _of_syntax_error(error):
    line = linecache.getline(PROGRAM, error.lineno)
    return error.lineno, _utf16_column(line, max((error.offset or 1) - 1, 0))


def _of_frame(tb):
    """The innermost frame of the program."""
    place = None, None
    while tb is not None:
        code = tb.tb_frame.f_code
        if code.co_filename == PROGRAM:
            positions = next((at for index, at in enumerate(code.co_positions()) if index == tb.tb_lasti // 2), None)
            place = tb.tb_lineno, positions and positions[2]
        tb = tb.tb_next
    line, column = place
    if line is None or column is None:
        return line, column
    # Columns of code are counted in bytes.
    before = linecache.getline(PROGRAM, line).encode(errors="surrogatepass")[:column].decode(errors="ignore")
    return line, _utf16_column(before, len(before))


def _position(error):
    if isinstance(error, SyntaxError) and error.filename == PROGRAM and error.lineno:
        return _of_syntax_error(error)
    if isinstance(error, Placed):
        return error.line, None
    return _of_frame(error.__traceback__)


def _text(error):
    try:
        return str(error)
    except Exception:
        return "an error that cannot be described"


def _hint(error, message, line):
    """Says what Python's own words do not."""
    called = isinstance(error, TypeError) and message.endswith("object is not callable")
    if called and line and "input(" in linecache.getline(PROGRAM, line):
        return f"{message}: `input` is the value given beside the program; there is nobody to ask"
    return message


def report(error):
    """What the host is told of an uncaught error; `None` when it is no failure."""
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return None
    line, column = _position(error)
    message = _hint(error, _text(error), line)
    told = {
        "name": _cut(type(error).__name__, _NAME),
        "message": _cut(message, _MESSAGE),
        "stack": _cut("".join(traceback.format_exception(error)).rstrip("\n"), _STACK),
    }
    if line is not None:
        told["line"] = line
    if column is not None:
        told["column"] = column
    # The interpreter cannot always say that it has no memory; the host knows whether it is so.
    if isinstance(error, (MemoryError, SystemError)):
        told["out_of_memory"] = True
    return told


traceback.StackSummary._extract_from_extended_frame_gen = _extract_program
