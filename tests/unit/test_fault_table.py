"""How the results of the faults are judged."""

from __future__ import annotations

import pytest
from fault_table import Result, Row, Table, outcome_of


def row(one: str, outcome: Result, reason: str = "") -> Row:
    return Row(one, f"test_{one.lower()}_x", "seen", "got", 1.5, outcome, reason)


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ({"passed"}, Result.PASSED),
        ({"passed", "skipped"}, Result.NOT_INJECTED),
        ({"skipped", "failed"}, Result.FAILED),
    ],
)
def test_a_tests_reports_come_to_one_outcome(outcomes: set[str], result: Result) -> None:
    assert outcome_of(outcomes) is result


def test_a_fault_is_passed_when_all_that_could_run_passed() -> None:
    rows = (
        *(row("F01", Result.PASSED), row("F01", Result.NOT_INJECTED, "no root")),
        *(row("F02", Result.PASSED), row("F02", Result.FAILED, "AssertionError")),
        *(row("F03", Result.NOT_INJECTED, "no strace"), row("L01", Result.PASSED)),
    )
    table = Table(("F01", "F02", "F03", "F04", "L01", "L02"), rows)
    assert [table.result(one).value for one in table.wanted] == [
        *("passed", "failed", "cannot inject", "no test", "passed", "no test")
    ]
    assert table.reasons_to_fail() == ["failed: F02", "no test: F04, L02"]
    lines = list(table.lines())
    assert "     cannot inject: test_f03_x: no strace" in lines
    assert (
        "2 of 6 passed, 1 cannot be injected on this machine, 1 failed, 2 without a test" in lines
    )
    assert "lies: 1 of 2 seen through" in lines


def test_more_than_three_that_cannot_be_injected_are_too_many() -> None:
    ids = ("F01", "F02", "F03", "F04")
    rows = tuple(row(one, Result.NOT_INJECTED) for one in ids)
    assert not Table(ids[:3], rows[:3]).reasons_to_fail()
    assert "more than 3" in Table(ids, rows).reasons_to_fail()[0]


def test_what_is_written_says_what_was_injected_and_expected() -> None:
    plain = Table(("F01",), (row("F01", Result.PASSED),)).plain()
    assert plain["counts"] == {"passed": 1}
    assert plain["rows"] == [
        {
            "id": "F01",
            "test": "test_f01_x",
            "seen": "seen",
            "got": "got",
            "seconds": 1.5,
            "outcome": "passed",
            "reason": "",
            "injected": "kill -9 before the intent",
            "expected": "the step runs once",
        }
    ]
