"""A graph of LangGraph whose model writes programs: the graph's state reaches the tools."""

from typing import Annotated

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, tools_condition

from conduit.langgraph import code_mode


class State(MessagesState):
    customer: str


@tool
def orders(customer: Annotated[str, InjectedState("customer")]) -> list[dict[str, int]]:
    """The orders of the customer."""
    return {"Ann": [{"id": 1, "cents": 950}, {"id": 2, "cents": 1250}]}[customer]


@tool
def rate(currency: str) -> float:
    """What a euro costs in a currency."""
    return {"CHF": 0.95, "DKK": 7.5}[currency]


def main(model: BaseChatModel) -> str:
    with code_mode([orders, rate]) as mode:
        asked = model.bind_tools(mode.tools)

        def think(state: State) -> dict[str, object]:
            return {"messages": [asked.invoke(state["messages"])]}

        builder = StateGraph(State)
        builder.add_node("think", think)
        builder.add_node("tools", ToolNode(mode.tools))
        builder.add_edge(START, "think")
        builder.add_conditional_edges("think", tools_condition)
        builder.add_edge("tools", "think")
        question = HumanMessage("What did I spend, in crowns?")
        state = builder.compile().invoke({"messages": [question], "customer": "Ann"})
        return str(state["messages"][-1].content)


if __name__ == "__main__":
    from langchain.chat_models import init_chat_model

    print(main(init_chat_model("openai:gpt-5")))
