"""An agent of LangChain whose model writes programs."""

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain.chat_models import BaseChatModel
from langchain.tools import tool

from conduit.langchain import code_mode


@tool
def orders(customer: str) -> list[dict[str, int]]:
    """The orders of a customer."""
    return [{"id": 1, "cents": 950}, {"id": 2, "cents": 1250}]


@tool
def rate(currency: str) -> float:
    """What a euro costs in a currency."""
    return {"CHF": 0.95, "DKK": 7.5}[currency]


def main(model: str | BaseChatModel) -> str:
    middleware: list[AgentMiddleware] = []
    with code_mode([orders, rate], middleware=middleware) as mode:
        agent = create_agent(model, tools=mode.tools, middleware=middleware)
        state = agent.invoke({"messages": [{"role": "user", "content": "What did Ann spend, in crowns?"}]})
        return str(state["messages"][-1].content)


if __name__ == "__main__":
    print(main("openai:gpt-5"))
