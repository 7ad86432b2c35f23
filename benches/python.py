"""What the Python package adds: a fresh program, and one call of a function, as medians in microseconds, of the
quietest turn: how long a thread takes to wake depends on what else the machine does.

Run it in an environment with the wheel of `cargo xtask package python --release`, and compare with
`cargo bench -p conduit-benches --bench abi` on the same machine.
"""

import asyncio
import statistics
import sys
import time

from conduit import AsyncRuntime, Runtime

TURNS = 20
RUNS = 100
CALLS = 100
PROGRAMS = {"typescript": "console.log(1 + 1)", "python": "print(1 + 1)"}
CALLING = f"for (let call = 0; call < {CALLS}; call++) await tools.host.%s()"


def same():
    return 1


async def later():
    return 1


def quietest(turns):
    """The lowest median of all turns, in microseconds."""
    return min(map(statistics.median, turns)) * 1e6


def once(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


async def once_async(run):
    start = time.perf_counter()
    await run()
    return time.perf_counter() - start


def waiting():
    with Runtime(policy={"allow": ["host.*"]}, tools=[same, later]) as runtime:

        def turn(code, language):
            results = []
            times = [once(lambda: results.append(runtime.execute(code, language=language))) for _ in range(RUNS)]
            return times, [result.usage.wall_time_s for result in results]

        for language, code in PROGRAMS.items():
            outer, inner = zip(*(turn(code, language) for _ in range(TURNS)))
            print(f"Runtime, fresh program, {language}: {quietest(outer):.1f}, of which core says {quietest(inner):.1f}")
        for name in ("same", "later"):
            calls, _ = zip(*(turn(CALLING % name, "typescript") for _ in range(TURNS)))
            print(f"Runtime, one call of `{name}`, of {CALLS}: {quietest(calls) / CALLS:.1f}")


async def not_waiting():
    async with AsyncRuntime(policy={"allow": ["host.*"]}, tools=[same, later]) as runtime:

        async def turn(code, language):
            return [await once_async(lambda: runtime.execute(code, language=language)) for _ in range(RUNS)]

        for language, code in PROGRAMS.items():
            turns = [await turn(code, language) for _ in range(TURNS)]
            print(f"AsyncRuntime, fresh program, {language}: {quietest(turns):.1f}")
        for name in ("same", "later"):
            turns = [await turn(CALLING % name, "typescript") for _ in range(TURNS)]
            print(f"AsyncRuntime, one call of `{name}`, of {CALLS}: {quietest(turns) / CALLS:.1f}")


print(sys.version)
waiting()
asyncio.run(not_waiting())
