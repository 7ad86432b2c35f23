"""Runs a program in each language, which calls a tool of this one: libconduit by ctypes, without a package.

    CONDUIT_LIBRARY=.../lib/libconduit.so python3 quickstart.py
"""

import ctypes
import json
import os
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int32, c_size_t, c_void_p


class Str(ctypes.Structure):
    """conduit_str: bytes that somebody else owns."""

    _fields_ = [("ptr", c_void_p), ("len", c_size_t)]

    @classmethod
    def of(cls, value):
        text = json.dumps(value).encode()
        borrowed = cls(ctypes.cast(c_char_p(text), c_void_p), len(text))
        borrowed.owner = text
        return borrowed

    def __str__(self):
        return ctypes.string_at(self.ptr, self.len).decode() if self.ptr else ""


ToolFunction = CFUNCTYPE(None, c_void_p, c_void_p)
Out = POINTER(c_void_p)

library = ctypes.CDLL(os.environ["CONDUIT_LIBRARY"])


def declared(name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


error_message = declared("conduit_error_message", Str, c_void_p)
error_free = declared("conduit_error_free", None, c_void_p)
builder_new = declared("conduit_builder_new", c_int32, Str, Out, Out)
builder_add_tool = declared(
    "conduit_builder_add_tool", c_int32, c_void_p, Str, ToolFunction, c_void_p, c_void_p, Out
)
builder_build = declared("conduit_builder_build", c_int32, c_void_p, Out, Out)
call_arguments = declared("conduit_call_arguments", Str, c_void_p)
call_reply = declared("conduit_call_reply", c_int32, c_void_p, Str, Out)
call_fail = declared("conduit_call_fail", c_int32, c_void_p, Str, Str, Out)
execute = declared("conduit_runtime_execute", c_int32, c_void_p, Str, Out, Out)
result_json = declared("conduit_result_json", Str, c_void_p)
result_free = declared("conduit_result_free", None, c_void_p)
runtime_free = declared("conduit_runtime_free", None, c_void_p)


def checked(function, *arguments):
    """Calls a function whose last argument gets an error, and raises that."""
    error = c_void_p()
    if status := function(*arguments, byref(error)):
        message = str(error_message(error))
        error_free(error)
        raise RuntimeError(f"error {status}: {message}")


@ToolFunction
def weather(_userdata, call):
    city = json.loads(str(call_arguments(call)))["city"]
    if city == "Atlantis":
        message = b"there is no such city"
        call_fail(call, Str(ctypes.cast(c_char_p(message), c_void_p), len(message)), Str(), None)
    else:
        call_reply(call, Str.of({"celsius": 21}), None)


def run(runtime, language, code):
    result = c_void_p()
    checked(execute, runtime, Str.of({"language": language, "code": code}), byref(result))
    ended = json.loads(str(result_json(result)))
    result_free(result)
    # A program that throws or breaks a limit is a result too: its outcome says what happened.
    shown = ended["value"] if ended["outcome"]["status"] == "completed" else ended["outcome"]
    print(f"{ended['stdout']}value: {json.dumps(shown)}")


builder, runtime = c_void_p(), c_void_p()
definition = {
    "name": "weather",
    "description": "The weather in a city.",
    "inputSchema": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
}
checked(builder_new, Str.of({"policy": {"allow": ["host.*"]}}), byref(builder))
checked(builder_add_tool, builder, Str.of(definition), weather, None, None)
checked(builder_build, builder, byref(runtime))
run(
    runtime,
    "typescript",
    """
    const { celsius } = await tools.host.weather({ city: 'Oslo' });
    console.log(`Oslo: ${celsius} degrees`);
    return celsius * 2;
    """,
)
run(
    runtime,
    "python",
    """\
try:
    await tools.host.weather(city="Atlantis")
except ToolError as error:
    print(error)
return "caught"
""",
)
runtime_free(runtime)
