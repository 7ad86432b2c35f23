"""What the Python package adds: a fresh program, and one call of a function, as medians in microseconds.

Run it in an environment with the wheel of `cargo xtask package python --release`, and compare with
`cargo bench -p conduit-benches --bench runtime` on the same machine.
"""

import asyncio
import statistics
import sys
import time

from conduit import AsyncRuntime, Runtime

RUNS = 2_000
CALLS = 200
PROGRAMS = {"typescript": "console.log(1 + 1)", "python": "print(1 + 1)"}
#: The time of a call, within one program: what its clock cannot tell, the difference of two programs does.
CALLING = "for (let n = 0; n < input; n++) await tools.host.%s()"


def same():
    return 1


async def later():
    return 1


def median(measured):
    return statistics.median(measured) * 1e6


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
        for language, code in PROGRAMS.items():
            inner, outer = [], []
            for _ in range(RUNS):
                start = time.perf_counter()
                result = runtime.execute(code, language=language)
                outer.append(time.perf_counter() - start)
                inner.append(result.usage.wall_time_s)
            print(f"Runtime, fresh program, {language}: {median(outer):.1f}, of which core says {median(inner):.1f}")
        for name in ("same", "later"):
            code = CALLING % name
            with_calls = [once(lambda: runtime.execute(code, language="typescript", input=CALLS)) for _ in range(50)]
            without = [once(lambda: runtime.execute(code, language="typescript", input=0)) for _ in range(50)]
            print(f"Runtime, one call of `{name}`: {(median(with_calls) - median(without)) / CALLS:.1f}")


async def not_waiting():
    async with AsyncRuntime(policy={"allow": ["host.*"]}, tools=[same, later]) as runtime:
        for language, code in PROGRAMS.items():
            outer = [await once_async(lambda: runtime.execute(code, language=language)) for _ in range(RUNS)]
            print(f"AsyncRuntime, fresh program, {language}: {median(outer):.1f}")
        for name in ("same", "later"):
            code = CALLING % name
            measured = []
            for count in (CALLS, 0):
                run = lambda: runtime.execute(code, language="typescript", input=count)  # noqa: E731
                measured.append(median([await once_async(run) for _ in range(50)]))
            print(f"AsyncRuntime, one call of `{name}`: {(measured[0] - measured[1]) / CALLS:.1f}")


print(sys.version)
waiting()
asyncio.run(not_waiting())
