"""An MCP server over stdio for the tests of the command: no packages, one thread per waiting call."""

import json
import os
import sys
import threading

TOOLS = [
    {"name": "echo", "description": "Gives back its text.\nA second line.",
     "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False}},
    {"name": "add", "description": "Adds two numbers.",
     "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]},
     "outputSchema": {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]}},
    {"name": "pid", "description": "Which process this is.", "inputSchema": {"type": "object"}},
    {"name": "hang", "description": "Never answers.", "inputSchema": {"type": "object"}},
    {"name": "until_hanging", "description": "Answers when `count` calls of `hang` have come.", "inputSchema": {"type": "object"}},
    {"name": "until_cancelled", "description": "Answers when `count` calls of `hang` were cancelled.", "inputSchema": {"type": "object"}},
]

# The ids of the calls of `hang`: all that ever came, and those that were cancelled.
hanging, cancelled = [], []
changed = threading.Condition()
lock = threading.Lock()


def send(message):
    with lock:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def text(id, text):
    send({"id": id, "result": {"content": [{"type": "text", "text": text}]}})


def note(ids, id):
    with changed:
        ids.append(id)
        changed.notify_all()


def when(ids, count, id):
    with changed:
        changed.wait_for(lambda: len(ids) >= count)
    text(id, str(len(ids)))


def call(id, name, arguments):
    if name == "echo":
        text(id, arguments["text"])
    elif name == "add":
        sum = arguments["a"] + arguments["b"]
        send({"id": id, "result": {"content": [{"type": "text", "text": str(sum)}], "structuredContent": {"sum": sum}}})
    elif name == "pid":
        text(id, str(os.getpid()))
    elif name == "hang":
        note(hanging, id)
    else:
        ids = {"until_hanging": hanging, "until_cancelled": cancelled}[name]
        threading.Thread(target=when, args=(ids, arguments.get("count", 1), id), daemon=True).start()


for line in sys.stdin:
    message = json.loads(line)
    method, id, params = message.get("method"), message.get("id"), message.get("params", {})
    if method == "initialize":
        send({"id": id, "result": {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                                   "serverInfo": {"name": "test", "version": "1"}}})
    elif method == "tools/list":
        send({"id": id, "result": {"tools": TOOLS}})
    elif method == "tools/call":
        call(id, params["name"], params.get("arguments") or {})
    elif method == "notifications/cancelled" and params.get("requestId") in hanging:
        note(cancelled, params["requestId"])
        # As many servers do.
        text(params["requestId"], "too late")
    elif id is not None:
        send({"id": id, "error": {"code": -32601, "message": "no such method"}})
