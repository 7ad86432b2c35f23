import asyncio


async def main() -> float:
    weather = await tools.everything.get_structured_content(location="New York")
    warm: bool = weather["temperature"] > 20 and len(weather["conditions"]) > 0
    total, env = await asyncio.gather(tools.everything.get_sum(a=1, b=2), tools.everything.get_env())
    # A place that the schema does not list.
    await tools.everything.get_structured_content(location="Atlantis")  # pyright: ignore[reportArgumentType]
    # Not awaited.
    tools.everything.get_structured_content(location="Chicago")["humidity"]  # pyright: ignore
    print(warm, total, env)
    return weather["humidity"]


asyncio.run(main())
