"""The runtime for asyncio. `cargo xtask gen` makes the one that waits from it, `_sync_runtime`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Optional

from ._result import ExecutionResult
from ._runtime import Base, Running, request
from ._types import _EVENTS, Described, Event, Found, Language, RequestOptions, Tool, UpstreamStatus

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

#: Patterns that narrow the policy.
Allow = Optional[Sequence[str]]


class AsyncExecution(Running):
    """A program under way. When nobody holds it any more, the program is cancelled."""

    async def events(self) -> AsyncIterator[Event]:
        """What happens, as it happens; ends with the program. Each event is given once."""
        while (batch := await self._runtime._answer(self._native.next_events())) is not None:
            for event in batch:
                yield _EVENTS[event["event"]](event)

    async def join(self) -> ExecutionResult:
        """Waits for the end. Cancelling the task cancels the program."""
        try:
            return ExecutionResult._from_json(await self._runtime._answer(self._native.join()))
        except BaseException:
            self._native.cancel()
            raise


class AsyncRuntime(Base):
    """Runs programs, each in a fresh sandbox, and gives them tools: `Runtime` for asyncio.

    Asynchronous tools run in the event loop that last asked something of the runtime.

    Options: `config`, the path of a config file, or the keys of such a file (see docs/config.md), and `tools`, functions
    that programs may call if the policy allows it. Raises `ConduitError` with the code `invalid_config`.
    """

    _is_async = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def execute(self, code: str, *, language: Language, **options: Unpack[RequestOptions]) -> ExecutionResult:
        """Runs one program to its end, without the GIL. Cancelling the task cancels it.

        `allow` narrows the policy, `input` is what the program finds as `input`, `limits` are those that differ from the
        operator's defaults. Raises `ConduitError` for what the caller or the operator must mend.
        """
        pending = self._started().execute(request(code, language, options))
        return ExecutionResult._from_json(await self._answer(pending))

    def spawn(self, code: str, *, language: Language, **options: Unpack[RequestOptions]) -> AsyncExecution:
        """Starts one program, as `execute`; what `execute` raises comes from `join`."""
        native = self._started()
        self._watch()
        return AsyncExecution(native.spawn(request(code, language, options)), self)

    async def tools(self, allow: Allow = None) -> tuple[Tool, ...]:
        """The tools that a request with this allow-list may call. Connects what is not connected."""
        return tuple(map(Tool._from_json, await self._answer(self._ask("tools", allow=allow))))

    async def search_tools(self, query: str, *, limit: Optional[int] = None, allow: Allow = None) -> Found:
        """Those of them that fit `query` best, and which upstreams could not be searched."""
        pending = self._ask("search_tools", query=query, limit=limit, allow=allow)
        return Found._from_json(await self._answer(pending))

    async def describe_tools(self, names: Sequence[str], *, allow: Allow = None) -> Described:
        """The tools that `names` mean to a program with this allow-list."""
        return Described._from_json(await self._answer(self._ask("describe_tools", names=names, allow=allow)))

    async def declarations(self, language: Language, *, allow: Allow = None) -> str:
        """What a model should read before it writes a program in `language`: the tools as types."""
        return str(await self._answer(self._ask("declarations", language=language, allow=allow)))

    async def check(self) -> tuple[UpstreamStatus, ...]:
        """Connects every upstream and says how that went."""
        return tuple(map(UpstreamStatus._from_json, await self._answer(self._ask("check"))))

    async def close(self) -> None:
        """Refuses what comes, cancels what runs and ends every connection. Calling it again does no harm."""
        if (pending := self._closing()) is not None:
            await self._answer(pending)
            self._end()
