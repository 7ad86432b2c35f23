"""The event loop: asyncio's own, driven by the host's completions instead of sockets."""

import asyncio
import errno
import heapq
import math
import threading
from asyncio import base_events, events

#: A time that no run lives to see, in seconds: far timers, and those that are never due.
_FAR = 9e9

_NOT_HERE = (
    "works at the top level of the program only, not in a function: the host drives one event loop; "
    "make the function `async def` and `await` what it needs"
)


class Loop(base_events.BaseEventLoop):
    """One per run. It is always running: what waits, waits for the host."""

    def __init__(self):
        super().__init__()
        self._thread_id = threading.get_ident()
        self.unhandled = []

    # What asyncio's own loops do with sockets and threads.

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    def close(self):
        pass

    def run_until_complete(self, future):
        raise refusal("loop.run_until_complete()", future)

    def run_forever(self):
        raise refusal("loop.run_forever()")

    def run_in_executor(self, executor, func, *args):
        """There are no threads: the function runs at once."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def subprocess_exec(self, *args, **kwargs):
        raise OSError(errno.ENOTSUP, "there are no processes: call tools")

    subprocess_shell = subprocess_exec

    async def create_server(self, *args, **kwargs):
        raise OSError(errno.ENETUNREACH, "there is no network: call tools")

    def call_exception_handler(self, context):
        """A task or future is gone, and nobody has asked for its exception."""
        if self._exception_handler is not None:
            self._exception_handler(self, context)
        elif "exception" in context:
            self.unhandled.append(context["exception"])

    # The host's side.

    def drain(self, program):
        """Runs whatever is ready, until nothing is or the program's own task has failed."""
        ready = self._ready
        while ready:
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()
            if program is not None and program.done() and (program.cancelled() or program._exception is not None):
                return

    def take_due(self):
        """Makes the timers ready that are due; whether something is ready."""
        scheduled = self._scheduled
        if not scheduled:
            return False
        soon = self.time() + 1e-6
        while scheduled and (scheduled[0]._cancelled or scheduled[0]._when <= soon):
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if not handle._cancelled:
                self._ready.append(handle)
        return bool(self._ready)

    def next_timer(self):
        """When the next timer is due, in the host's nanoseconds, -1 for none. The host's clock goes in milliseconds."""
        if not self._scheduled:
            return -1
        return math.ceil(min(self._scheduled[0]._when, _FAR) * 1000 - 1e-3) * 1_000_000

    def _timer_handle_cancelled(self, handle):
        """Cancelled timers stay in the heap until they are due, unless they are many."""
        super()._timer_handle_cancelled(handle)
        if self._timer_cancelled_count > 100 and 2 * self._timer_cancelled_count > len(self._scheduled):
            self._scheduled = [kept for kept in self._scheduled if not kept._cancelled]
            heapq.heapify(self._scheduled)
            self._timer_cancelled_count = 0


def refusal(what, coroutine=None):
    if hasattr(coroutine, "close"):
        coroutine.close()
    return RuntimeError(f"{what} {_NOT_HERE}")


def run(main, *, debug=None, loop_factory=None):
    """Takes the place of `asyncio.run`, which would wait inside of itself."""
    raise refusal("asyncio.run()", main)


class Runner:
    """Takes the place of `asyncio.Runner`."""

    def __init__(self, *, debug=None, loop_factory=None):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def close(self):
        pass

    def get_loop(self):
        return loop

    def run(self, coro, *, context=None):
        raise refusal("asyncio.Runner.run()", coro)


class _Awaited:
    """What `asyncio.run` and its kin are called with, at the top level of a program."""

    def __init__(self, awaitable, /, **options):
        self.awaitable = awaitable


def callee(function):
    """At top level `f.run(x)` becomes `await result(callee(f.run)(x))`: asyncio's own functions are awaited."""
    ours = function is run or getattr(function, "__func__", None) in (Loop.run_until_complete, Runner.run)
    return _Awaited if ours else function


async def result(value):
    return await value.awaitable if type(value) is _Awaited else value


class _Policy(events.AbstractEventLoopPolicy):
    def get_event_loop(self):
        return loop

    def set_event_loop(self, loop):
        pass

    def new_event_loop(self):
        return loop


loop = Loop()
events.set_event_loop_policy(_Policy())
for module in (asyncio, asyncio.runners):
    module.run = run
    module.Runner = Runner
