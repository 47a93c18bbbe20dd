"""The page of promises, with the tests that show each; from the catalogues of the tests."""

from __future__ import annotations

import sys
from pathlib import Path

from tables import table

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from bad_input_catalogue import BAD_INPUT
from fault_catalogue import chosen
from measured import kept
from promise_catalogue import PROMISES, Promise

ABOUT = """\
# What drtool promises

A recovery tool is used when everything else has failed, so it is tested by making everything fail.
Each promise has an oracle that a test can check, and each test first sees that what it injected
took effect. `make test` runs the quick ones, `make faults` all of
[the faults and lies](../reference/faults.md), against real servers; it prints what came of each,
and writes it to `.faults.json`. `make soak` lets chance look for sequences of crashes, answers and
breakdowns that break a promise, and fails over hundreds of times with something killed in each. Of
each promise a test shows that an engine which breaks it is found out
(`faults/test_mutants.py`). Tests are named by their place below `tests/`.
"""
SOAKED = {
    "failovers": "in a lab of real servers, something killed in each failover,",
    "places": "the engine killed at every crash point there,",
}
BAD = """\
## Bad input

Each of these ends with exit code 2, with `file:line:column` where it comes from a file, with what
is wrong and what to write; nothing is started.
"""


def promise_page() -> str:
    """Sixteen promises, then the table of bad input."""
    parts = [ABOUT, *_last_figures()]
    parts += [_promise(number, one) for number, one in enumerate(PROMISES, 1)]
    parts.append(BAD)
    for part, items in BAD_INPUT.items():
        rows = ((item, _tests(tests)) for item, tests in items.items())
        parts += [f"### {part}\n", table(("what", "shown by"), rows)]
    return "\n".join(parts)


def _promise(number: int, promise: Promise) -> str:
    lines = [f"## {number}. {promise.title}\n", f"{promise.means}\n"]
    lines += [f"- `{test}`" for test in promise.tests]
    if promise.faults:
        lines.append(f"- faults {', '.join(_runs(promise.faults))}{_last(promise.faults)}")
    return "\n".join([*lines, ""])


def _last_figures() -> list[str]:
    """What the long suites came to when they were run last."""
    found, lines = kept(), []
    if faults := found.get("faults"):
        results = faults["results"]
        lines.append(
            f"- `make faults` on {faults['on']}: {_passed(results)} of {len(results)} faults and "
            f"lies passed, in {faults['tests']} tests"
        )
    if chance := found.get("sequences"):
        lines.append(
            f"- `make soak` on {chance['on']}: {chance['examples']:,} chance sequences of crashes, "
            "answers and breakdowns broke no promise"
        )
    for suite, what in SOAKED.items():
        if sums := found.get(suite):
            lines.append(
                f"- {what} on {sums['on']}: {sums['failovers']} failovers, {sums['resumed']} runs "
                f"resumed; {sums['double_effects']} double effects, "
                f"{sums['orders_lost_beyond_rpo']} acknowledged orders lost beyond the RPO, "
                f"{sums['two_primaries']} moments with two writable primaries, "
                f"{sums['not_ended']} runs without an end"
            )
    return ["The last figures:\n\n" + "\n".join(lines) + "\n"] if lines else []


def _last(words: str) -> str:
    """What came of a promise's faults when they were run last."""
    if not (faults := kept().get("faults")):
        return ""
    results = {one: faults["results"].get(one, "no test") for one in chosen(words)}
    return f": {_passed(results)} of {len(results)} passed on {faults['on']}"


def _passed(results: dict[str, str]) -> int:
    return sum(result == "passed" for result in results.values())


def _runs(words: str) -> list[str]:
    """The ids, checked to be there, as they were grouped."""
    return [word for word in words.split() if chosen(word)]


def _tests(tests: tuple[str, ...]) -> str:
    """One file's tests together; a row of a test by its name."""
    by_test: dict[str, list[str]] = {}
    for test in tests:
        name, _, row = test.partition("[")
        by_test.setdefault(name, []).extend([row.removesuffix("]")] if row else [])
    return "; ".join(
        f"`{name}`" + (f" ({', '.join(rows)})" if rows else "") for name, rows in by_test.items()
    )
