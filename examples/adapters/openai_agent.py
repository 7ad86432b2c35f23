"""An agent of the OpenAI Agents SDK whose model writes programs: the run's context reaches the tools."""

import asyncio
from dataclasses import dataclass

from agents import Agent, RunContextWrapper, Runner, function_tool
from agents.models.interface import Model

from conduit.openai_agents import code_mode


@dataclass
class Customer:
    name: str


@function_tool
async def orders(context: RunContextWrapper[Customer]) -> list[dict[str, int]]:
    """The orders of the customer."""
    return {"Ann": [{"id": 1, "cents": 950}, {"id": 2, "cents": 1250}]}[context.context.name]


@function_tool
def rate(currency: str) -> float:
    """What a euro costs in a currency."""
    return {"CHF": 0.95, "DKK": 7.5}[currency]


async def main(model: str | Model) -> str:
    async with code_mode([orders, rate]) as mode:
        agent = Agent[Customer](name="Clerk", model=model, tools=mode.tools)
        run = await Runner.run(agent, "What did I spend, in crowns?", context=Customer("Ann"))
        return str(run.final_output)


if __name__ == "__main__":
    print(asyncio.run(main("gpt-5")))
