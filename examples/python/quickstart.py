# A program that a model wrote calls a function of this one.
import json

from conduit import Runtime

with Runtime(policy={"allow": ["host.*"]}) as runtime:

    @runtime.tool
    def weather(city: str) -> dict:
        """The weather in a city."""
        return {"city": city, "celsius": 21}

    code = "report = await tools.host.weather(city='Oslo')\nf\"{report['celsius']} °C in {report['city']}\""
    result = runtime.execute(code, language="python")
    print(f"{result.outcome.status}: {json.dumps(result.value, ensure_ascii=False)}")
