# Three calls at once; only the answer leaves the sandbox.
import asyncio

cities = ["New York", "Chicago", "Los Angeles"]
reports = await asyncio.gather(
    *(tools.everything.get_structured_content(location=city) for city in cities),
)

ranked = sorted(zip(reports, cities), key=lambda pair: pair[0]["temperature"], reverse=True)

print(await tools.everything.echo(message=f"asked {len(ranked)} cities"))
report, city = ranked[0]
return {"warmest": city, "celsius": report["temperature"]}
