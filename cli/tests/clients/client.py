"""Python's `mcp` client lists and calls the tools of `conduit serve --stdio`. Usage: client.py COMMAND ARGS..."""

import asyncio
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

PROGRAM = """
const sum = await tools.up.add({ a: 2, b: 40 });
console.log("the sum is", sum.sum);
return { sum: sum.sum };
"""


async def main() -> None:
    server = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:])
    async with stdio_client(server) as (reader, writer), ClientSession(reader, writer) as session:
        await session.initialize()
        names = sorted(tool.name for tool in (await session.list_tools()).tools)
        assert names == ["describe_tools", "execute_python", "execute_typescript", "search_tools"], names

        result = await session.call_tool("execute_typescript", {"code": PROGRAM})
        assert not result.is_error, result
        assert result.structured_content["value"] == {"sum": 42}, result
        assert result.structured_content["stdout"] == "the sum is 42\n", result
        assert [call["tool"] for call in result.structured_content["tool_calls"]] == ["up.add"], result

        failed = await session.call_tool("execute_typescript", {"code": "let x: number = 1;\nthrow new Error('no')"})
        assert failed.is_error, failed
        assert failed.structured_content["outcome"]["error"]["line"] == 2, failed

        found = await session.call_tool("search_tools", {"query": "add two numbers"})
        assert "up.add" in found.content[0].text, found
        described = await session.call_tool("describe_tools", {"names": ["up.add"]})
        assert "a: number" in described.content[0].text, described
    print("ok")


asyncio.run(main())
