"""The conformance runner of the Python package: a case a line in, its end a line out (tests/conformance/README.md)."""

import asyncio
import json
import sys

from conduit import ConduitError, EventStdout, Limits, Runtime


class Failure(Exception):
    """A tool's error with content."""

    def __init__(self, message, content):
        super().__init__(message)
        self.content = content


def schema(properties, *required):
    return {"type": "object", "properties": properties, "required": list(required)}


INTEGER, TEXT = {"type": "integer"}, {"type": "string"}


def add_tools(runtime):
    """The tools of the upstreams `test` and `other`, written as a user would."""

    def test(name, properties=None, *required, **options):
        description = f"The tool {name} of the conformance cases."
        # Without a parameter the tool has no schema of ours but one that takes no arguments.
        return runtime.tool(
            name=name,
            upstream="test",
            description=description,
            input_schema=schema(properties or {}, *required),
            **options,
        )

    sleeping = {"calls": 0, "now": 0, "peak": 0}

    @test("echo", {"value": {}})
    def echo(value=None, **_):
        return value

    @test("add", {"a": INTEGER, "b": INTEGER}, "a", "b", output_schema=schema({"sum": INTEGER}, "sum"))
    def add(a, b):
        return {"sum": a + b}

    @test("text", {"text": TEXT}, "text")
    def text(text, **_):
        return text

    @test("big", {"bytes": INTEGER}, "bytes")
    def big(bytes):
        return "x" * bytes

    @test("get-invoice", {"id": TEXT}, "id")
    def get_invoice(id):
        return {"id": id}

    @test("class", {"x": INTEGER})
    def class_(x=None, **_):
        return {"x": x}

    @test("fail", {"message": TEXT}, "message")
    def fail(message):
        raise Failure(message, [{"type": "text", "text": message}])

    @test("never")
    async def never():
        await asyncio.Event().wait()

    @test("sleep", {"ms": INTEGER}, "ms")
    async def sleep(ms):
        sleeping["now"] += 1
        sleeping["peak"] = max(sleeping["peak"], sleeping["now"])
        await asyncio.sleep(ms / 1000)
        sleeping["now"] -= 1
        return ms

    @test("count")
    def count():
        sleeping["calls"] += 1
        return {"calls": sleeping["calls"], "peak": sleeping["peak"]}

    @runtime.tool(upstream="test", input_schema=False)
    def no_schema(**arguments):
        return arguments

    @runtime.tool(upstream="other", input_schema=schema({}))
    def secret():
        return "secret"


def arguments(request):
    """A request as the arguments of `execute`."""
    limits = {}
    for key, value in (request.get("limits") or {}).items():
        limits[key[:-3] + "_s" if key.endswith("_ms") else key] = value / 1000 if key.endswith("_ms") else value
    rest = {key: request.get(key) for key in ("language", "allow", "input")}
    return {"code": request["code"], "limits": Limits(**limits), **rest}


def printed(execution, text):
    """The execution when it has printed something that contains `text`."""
    for event in execution.events():
        if isinstance(event, EventStdout) and text in event.text:
            return execution
    raise AssertionError(f"the program ended without printing {text!r}")


def run(job):
    with Runtime(**job["config"]) as runtime:
        add_tools(runtime)
        beside = job.get("beside")
        beside = beside and printed(runtime.spawn(**arguments(beside)), "")
        if job.get("shut_down"):
            runtime.close()
        request = arguments(job["request"])
        if job.get("cancel_at") is None:
            return runtime.execute(**request)
        execution = printed(runtime.spawn(**request), job["cancel_at"])
        execution.cancel()
        return execution.join()


def outcome(found):
    shown = {"status": found.status}
    if found.status == "failed":
        shown["error"] = {key: value for key, value in vars(found.error).items() if value is not None}
    if found.status == "limit_exceeded":
        shown.update(limit=found.limit, message=found.message)
    return shown


def shown(result):
    return {
        "outcome": outcome(result.outcome),
        "value": result.value,
        "stdout": result.stdout,
        "stderr": result.stderr,
        "tool_calls": [{"tool": call.tool, "error": call.error} for call in result.tool_calls],
        "usage": {"tool_calls": result.usage.tool_calls},
    }


def answer(job):
    try:
        return {"result": shown(run(job))}
    except ConduitError as error:
        return {"error": {"code": error.code, "message": str(error)}}


def main():
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


main()
