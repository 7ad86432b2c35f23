"""The report as a page of the documentation."""

import collections
import platform

HEAD = """\
# CPython's own tests

What of the test-suite of CPython {version} passes in the sandbox, from the sources that the guest is built of. Made by
`cargo xtask cpython`, which runs each module as a program of `conduit exec`, under the highest limits, and fails when a failure is
not explained here, or an explained test passes. The explanations are `tests/cpython/expected.toml`.

The tests are CPython's, unchanged but for lines that leave out a whole module for what few of its tests need (`OPENED` in
`tests/cpython/collect.py`). They find what a Python of one's own has: files, in memory, and event loops of asyncio that they start
themselves (`files.py` and `program.py`); everything else is the guest as programs have it.

{passed} tests pass, {failed} fail, {skipped} are skipped by their own conditions; {modules} modules.
"""


def row(outcome):
    return f"| {outcome.module} | {len(outcome.passed())} | {len(outcome.failed)} | {len(outcome.skipped)} |"


def text(outcomes, expected):
    ran = [outcome for outcome in outcomes if outcome.passed() or outcome.failed]
    counts = {
        "passed": sum(len(outcome.passed()) for outcome in outcomes),
        "failed": sum(len(outcome.failed) for outcome in outcomes),
        "skipped": sum(len(outcome.skipped) for outcome in outcomes),
        "modules": len(ran),
        "version": platform.python_version(),
    }
    table = ["| module | passed | failed | skipped |", "|---|---|---|---|", *map(row, ran)]
    parts = [HEAD.format(**counts), "\n".join(table) + "\n", *_failures(outcomes, expected), *_left_out(outcomes, expected)]
    return "\n".join([*parts, _skipped(outcomes)])


def _failures(outcomes, expected):
    yield "## Failures\n"
    found = expected.by_cause(outcomes)
    for cause in [*expected.causes, None]:
        if found[cause]:
            yield f"### {cause.title if cause else "Not explained"} ({len(found[cause])})\n"
            yield f"{cause.why if cause else ""}\n"
            yield _names(name for name, _ in found[cause])


def _names(names):
    """Names of tests, those of one class in one line."""
    classes = collections.defaultdict(list)
    for name in names:
        owner, _, test = name.rpartition(".")
        classes[owner].append(test)
    return "".join(f"- `{owner}`: {", ".join(sorted(tests))}\n" for owner, tests in sorted(classes.items()))


def _left_out(outcomes, expected):
    yield "## Not run\n\nWhat would only fail, or wait for ever.\n"
    for cause in expected.causes:
        if cause.left_out:
            yield f"- {cause.title}: {", ".join(f"`{name}`" for name in sorted(cause.left_out))}"
    yield "\nModules that skip themselves as a whole:\n"
    yield "| module | reason |\n|---|---|"
    for outcome in outcomes:
        if not outcome.started and not outcome.failed:
            yield f"| {outcome.module} | {next(iter(outcome.skipped.values()), "no tests")} |"


def _skipped(outcomes):
    reasons = collections.Counter(reason for outcome in outcomes for reason in outcome.skipped.values())
    rows = [f"| {reason.replace("|", "\\|")} | {count} |\n" for reason, count in reasons.most_common() if count >= 10]
    return "\n## Reasons of the skipped\n\nThose of at least ten tests.\n\n| reason | tests |\n|---|---|\n" + "".join(rows)
