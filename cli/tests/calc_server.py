"""A small MCP server over stdio, without packages: the upstream of the command line's tests."""

import json
import sys

NUMBER = {"type": "number"}
TOOLS = [
    {
        "name": "add",
        "description": "Adds two numbers.",
        "inputSchema": {"type": "object", "properties": {"a": NUMBER, "b": NUMBER}, "required": ["a", "b"]},
        "outputSchema": {"type": "object", "properties": {"sum": NUMBER}, "required": ["sum"]},
    },
    {"name": "forbidden", "description": "No test allows this.", "inputSchema": {"type": "object"}},
]


def answer(method, params):
    if method == "initialize":
        info = {"name": "calc", "version": "1.0.0"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        total = {"sum": params["arguments"]["a"] + params["arguments"]["b"]}
        return {"content": [{"type": "text", "text": json.dumps(total)}], "structuredContent": total}
    return {}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message and "method" in message:
        reply = {"jsonrpc": "2.0", "id": message["id"], "result": answer(message["method"], message.get("params", {}))}
        print(json.dumps(reply), flush=True)
