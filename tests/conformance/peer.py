"""An MCP server over stdio that misbehaves: the contract is in README.md."""

import json
import os
import sys

OBJECT = {"type": "object"}
TOOLS = {
    "die": OBJECT,
    "hang": OBJECT,
    "neither": OBJECT,
    "remote_schema": {"type": "object", "properties": {"x": {"$ref": "https://example.com/schema.json"}}},
}


def answer(id, **fields):
    print(json.dumps({"jsonrpc": "2.0", "id": id, **fields}), flush=True)


for line in sys.stdin:
    message = json.loads(line)
    method, id, params = message.get("method"), message.get("id"), message.get("params", {})
    if method == "initialize":
        server = {"name": "peer", "version": "1"}
        answer(id, result={"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": server})
    elif method == "tools/list":
        answer(id, result={"tools": [{"name": name, "inputSchema": schema} for name, schema in TOOLS.items()]})
    elif method == "tools/call" and params["name"] == "die":
        os._exit(3)
    elif method == "tools/call" and params["name"] == "neither":
        answer(id)
