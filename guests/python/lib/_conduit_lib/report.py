"""What the host is told of an error, and what tracebacks show: the program's lines only."""

import itertools
import linecache
import re
import traceback

from . import PROGRAM

_format = traceback.StackSummary.format_frame_summary


def _format_once(self, frame, **options):
    """A recursion has a thousand frames alike, and to find the marks below a line it is parsed."""
    formatted = self.__dict__.setdefault("_formatted", {})
    key = frame.filename, frame.lineno, frame.name, frame.end_lineno, frame.colno, frame.end_colno
    if frame.locals or key not in formatted:
        formatted[key] = _format(self, frame, **options)
    return formatted[key]


#: The longest texts, in bytes; the most frames of an error, and errors of a chain, that are looked at.
_NAME, _MESSAGE, _STACK = 256, 8 * 1024, 16 * 1024
_FRAMES, _ERRORS = 1100, 20

_NO_MEMORY = MemoryError, SystemError
_INPUT = re.compile(r"(?<![\w.'\"])input\(")

_format_exception = traceback.format_exception
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


def place(error, line):
    """Notes where in the program the cause of an error is that is raised elsewhere."""
    error._conduit_line = line
    return error


def _is_line(number):
    return type(number) is int and 0 < number < 1 << 31


def _complete(error):
    """The compiler, unlike the parser, has no text of the line, and counts columns in bytes."""
    if error.text is None:
        error.text = linecache.getline(PROGRAM, error.lineno)
        data = error.text.encode(errors="surrogatepass")
        for name in ("offset", "end_offset"):
            at = getattr(error, name)
            if type(at) is int and at > 0:
                setattr(error, name, len(data[: at - 1].decode(errors="ignore")) + 1)


def _of_syntax_error(error):
    _complete(error)
    offset = error.offset if _is_line(error.offset) else 1
    return error.lineno, _utf16_column(error.text, offset - 1)


def _of_frame(tb):
    """The innermost frame of the program."""
    innermost = None
    while tb is not None:
        if tb.tb_frame.f_code.co_filename == PROGRAM:
            innermost = tb
        tb = tb.tb_next
    if innermost is None:
        return None, None
    line = innermost.tb_lineno
    positions = next(itertools.islice(innermost.tb_frame.f_code.co_positions(), innermost.tb_lasti // 2, None), None)
    if positions is None or positions[2] is None:
        return line, None
    # Columns of code are counted in bytes.
    text = linecache.getline(PROGRAM, line).encode(errors="surrogatepass")
    before = text[: positions[2]].decode(errors="ignore")
    return line, _utf16_column(before, len(before))


def _shorten(error):
    """Leaves the innermost frames of a deep recursion, in each error of the chain: to describe a frame takes its time."""
    for _ in range(_ERRORS):
        if error is None:
            return
        last = first = error.__traceback__
        depth = 0
        while last is not None:
            depth += 1
            last = last.tb_next
        for _ in range(depth - _FRAMES):
            first = first.tb_next
        error.__traceback__ = first
        error = error.__cause__ or error.__context__


def _position(error):
    if isinstance(error, SyntaxError) and error.filename == PROGRAM and _is_line(error.lineno):
        return _of_syntax_error(error)
    line, column = _of_frame(error.__traceback__)
    return line or getattr(error, "_conduit_line", None), column


def _text(error):
    try:
        return str(error)
    except BaseException:
        return "an error that cannot be described"


def _hint(error, message, line):
    """Says what Python's own words do not."""
    called = isinstance(error, TypeError) and message.endswith("object is not callable")
    if called and line and _INPUT.search(linecache.getline(PROGRAM, line)):
        return f"{message}: `input` is the value given beside the program; there is nobody to ask"
    return message


def report(error):
    """What the host is told of an uncaught error; `None` when it is no failure."""
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return None
    _shorten(error)
    line, column = _position(error)
    message = _hint(error, _text(error), line)
    told = {
        "name": _cut(type(error).__name__, _NAME),
        "message": _cut(message, _MESSAGE),
        "stack": _cut("".join(_format_exception(error)).rstrip("\n"), _STACK),
    }
    if line is not None:
        told["line"] = line
    if column is not None:
        told["column"] = column
    # The interpreter cannot always say that it has no memory; the host knows whether it is so.
    grouped = isinstance(error, BaseExceptionGroup) and error.subgroup(_NO_MEMORY)
    if grouped or isinstance(error, _NO_MEMORY):
        told["out_of_memory"] = True
    return told


traceback.StackSummary._extract_from_extended_frame_gen = _extract_program
traceback.StackSummary.format_frame_summary = _format_once
