"""An agent of pydantic-ai whose model writes programs: the run's dependencies reach the tools."""

import asyncio
from dataclasses import dataclass

from pydantic_ai import Agent, RunContext
from pydantic_ai.models import Model

from conduit.pydantic_ai import code_mode


@dataclass
class Customer:
    name: str


async def orders(ctx: RunContext[Customer]) -> list[dict[str, int]]:
    """The orders of the customer."""
    return {"Ann": [{"id": 1, "cents": 950}, {"id": 2, "cents": 1250}]}[ctx.deps.name]


def rate(currency: str) -> float:
    """What a euro costs in a currency."""
    return {"CHF": 0.95, "DKK": 7.5}[currency]


async def main(model: str | Model) -> str:
    mode = code_mode([orders, rate])
    try:
        agent = Agent(model, toolsets=[mode], deps_type=Customer)
        run = await agent.run("What did I spend, in crowns?", deps=Customer("Ann"))
        return run.output
    finally:
        await mode.aclose()


if __name__ == "__main__":
    print(asyncio.run(main("openai:gpt-5")))
