import asyncio


async def main() -> list[str]:
    await tools.memory.create_entities(entities=[{"name": "a", "entityType": "thing", "observations": []}])
    await tools.memory.create_relations(relations=[{"from": "a", "to": "a", "relationType": "is"}])
    graph = await tools.memory.read_graph()
    try:
        await call_tool("memory.no_such_tool", {"a": 1}, full=True)
        await call_tool("memory.no_such_tool", a=1)
    except ToolError as error:
        print(error.code, error.tool, error.content, error)
    # `entityType` is required.
    await tools.memory.create_entities(
        entities=[{"name": "a", "observations": []}],  # pyright: ignore[reportArgumentType]
    )
    return [entity["name"] for entity in graph["entities"]]


print(asyncio.run(main()))
