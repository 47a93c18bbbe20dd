"""The results of the faults: one row a test and id, and the judgement over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from fault_catalogue import FAULTS

MOST_NOT_INJECTED = 3
_WIDTH = 58


class Result(StrEnum):
    """What a test, or all tests of an id together, came to."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_INJECTED = "cannot inject"
    NO_TEST = "no test"


def outcome_of(outcomes: set[str]) -> Result:
    """From what pytest says of a test's setup, call and teardown."""
    if "failed" in outcomes:
        return Result.FAILED
    return Result.NOT_INJECTED if "skipped" in outcomes else Result.PASSED


@dataclass(frozen=True)
class Row:
    """What one test made of one fault."""

    id: str
    test: str
    seen: str
    got: str
    seconds: float
    outcome: Result
    reason: str

    def plain(self) -> dict[str, object]:
        fault = FAULTS[self.id]
        told = {"injected": fault.injected, "expected": fault.expected}
        return {**asdict(self), **told, "outcome": self.outcome.value}


@dataclass(frozen=True)
class Table:
    """The rows of the faults that were asked for."""

    wanted: tuple[str, ...]
    rows: tuple[Row, ...]

    def of(self, one: str) -> list[Row]:
        return [row for row in self.rows if row.id == one]

    def result(self, one: str) -> Result:
        """A fault is passed when all its tests that this machine can run passed, and one could."""
        outcomes = {row.outcome for row in self.of(one)}
        for worst in (Result.FAILED, Result.PASSED, Result.NOT_INJECTED):
            if worst in outcomes:
                return worst
        return Result.NO_TEST

    def count(self, result: Result, letter: str = "") -> int:
        return sum(
            self.result(one) is result for one in self.wanted if one.startswith(letter or one[0])
        )

    def reasons_to_fail(self) -> list[str]:
        """Why the whole is not well; empty when it is."""
        found = []
        for result in (Result.FAILED, Result.NO_TEST):
            ids = [one for one in self.wanted if self.result(one) is result]
            if ids:
                found.append(f"{result.value}: {', '.join(ids)}")
        if self.count(Result.NOT_INJECTED) > MOST_NOT_INJECTED:
            found.append(f"more than {MOST_NOT_INJECTED} cannot be injected here")
        return found

    def plain(self) -> dict[str, object]:
        counts = Counter(self.result(one).value for one in self.wanted)
        return {
            "faults": len(self.wanted),
            "counts": dict(sorted(counts.items())),
            "rows": [row.plain() for row in self._ordered()],
        }

    def _ordered(self) -> list[Row]:
        return sorted(self.rows, key=lambda row: (list(FAULTS).index(row.id), row.test))

    def lines(self) -> Iterator[str]:
        """The table as it is printed."""
        yield f"{'id':4} {'what is done to it':{_WIDTH}} {'result':14} {'tests':>5} {'seconds':>8}"
        for one in self.wanted:
            rows, result = self.of(one), self.result(one)
            seconds = sum(row.seconds for row in rows)
            what = _short(FAULTS[one].injected)
            yield f"{one:4} {what:{_WIDTH}} {result.value:14} {len(rows):5} {seconds:8.1f}"
            for row in rows:
                if row.outcome is not Result.PASSED:
                    yield f"     {row.outcome.value}: {row.test}: {row.reason}"
        yield from self._sums()

    def _sums(self) -> Iterator[str]:
        lies = [one for one in self.wanted if one.startswith("L")]
        yield ""
        yield (
            f"{self.count(Result.PASSED)} of {len(self.wanted)} passed, "
            f"{self.count(Result.NOT_INJECTED)} cannot be injected on this machine, "
            f"{self.count(Result.FAILED)} failed, {self.count(Result.NO_TEST)} without a test"
        )
        if lies:
            yield f"lies: {self.count(Result.PASSED, 'L')} of {len(lies)} seen through"
        for reason in self.reasons_to_fail():
            yield f"NOT WELL: {reason}"


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
