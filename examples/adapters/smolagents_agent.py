"""An agent of smolagents whose model writes programs."""

from smolagents import InferenceClientModel, Model, ToolCallingAgent, tool

from conduit.smolagents import code_mode


@tool
def orders(customer: str) -> list[dict[str, int]]:
    """The orders of a customer, each with what it costs in `cents`.

    Args:
        customer: The customer's name.
    """
    return [{"id": 1, "cents": 950}, {"id": 2, "cents": 1250}]


@tool
def rate(currency: str) -> float:
    """What a euro costs in a currency.

    Args:
        currency: Three letters, such as `DKK`.
    """
    return {"CHF": 0.95, "DKK": 7.5}[currency]


def main(model: Model) -> str:
    with code_mode([orders, rate]) as mode:
        agent = ToolCallingAgent(tools=mode.tools, model=model)
        return str(agent.run("What did Ann spend, in crowns?"))


if __name__ == "__main__":
    print(main(InferenceClientModel()))
