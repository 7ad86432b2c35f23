"""A chat model of LangChain that says what a script says."""

import json

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool


def call(name, **arguments):
    """A turn in which the model calls one tool."""
    return [{"name": name, "args": arguments, "id": f"call_{name}", "type": "tool_call"}]


def results(state):
    """What the model read of its calls."""
    return [json.loads(message.content) for message in state["messages"] if message.type == "tool"]


class ScriptedModel(BaseChatModel):
    """A turn is a text, or calls of tools, or `None`: what was read last. The messages tell how many went by."""

    turns: list
    descriptions: list = []
    parameters: list = []

    @property
    def _llm_type(self):
        return "scripted"

    def bind_tools(self, tools, **_):
        functions = [convert_to_openai_tool(tool)["function"] for tool in tools]
        self.descriptions[:] = [function["description"] for function in functions]
        self.parameters[:] = [function["parameters"]["properties"] for function in functions]
        return self

    def _generate(self, messages, stop=None, run_manager=None, **_):
        turn = self.turns[sum(isinstance(message, AIMessage) for message in messages)]
        turn = messages[-1].content if turn is None else turn
        message = AIMessage(turn) if isinstance(turn, str) else AIMessage("", tool_calls=turn)
        return ChatResult(generations=[ChatGeneration(message=message)])
