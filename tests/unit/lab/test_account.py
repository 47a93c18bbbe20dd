from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from drtool.lab.account import Account, cause, criteria, take_account
from drtool.lab.customers import Order
from drtool.lab.prefect_records import Recorded
from drtool.lab.runs import Objective, Part, Ran, Report, Step
from drtool.lab.shopping import Outage
from drtool.lab.verdict import show_account
from drtool.lab.writers import Write
from drtool.model.event import Via
from drtool.model.purpose import Outcome, Procedure, Purpose
from drtool.units import Duration

BROKEN = 1000.0


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def report(procedure: Procedure, began: float, *, code: int = 0) -> Report:
    limit = Duration(300)
    rto = Objective(
        objective="rto", limit=limit, measured_seconds=7.2, upper_bound=False, judgement="met"
    )
    rpo = Objective(
        objective="rpo",
        limit=Duration(10),
        measured_seconds=0.9,
        upper_bound=True,
        judgement="met",
        note="newest heartbeat that the standby has received, until the outage's start",
    )
    step = Step(
        name="promote",
        purpose=Purpose.PROMOTE,
        outcome=Outcome.SUCCEEDED,
        seconds=0.1,
        budget=Duration(10),
        via=Via.PREFECT,
    )
    return Report(
        run=f"20261123-{began:06.0f}-7f3a",
        procedure=procedure,
        from_site="east",
        to_site="west",
        engine="prefect",
        started=moment(began),
        ended=moment(began + 8),
        outcome=Outcome.SUCCEEDED,
        exit_code=code,
        objectives=(rto, rpo) if procedure is Procedure.FAILOVER else (),
        parts=(Part(name="detection", seconds=0.4), Part(name="decision", seconds=None)),
        steps=(step,),
    )


def ran(procedure: Procedure, began: float, *, code: int = 0, left: float | None = 0.3) -> Ran:
    return Ran(report(procedure, began, code=code), code, "/reports/run.html", left)


def order(identity: str, answered: float, *, acknowledged: bool = True) -> Order:
    return Order(identity, acknowledged, answered - 0.01, answered, answered, site="east")


def account(
    *,
    runs: tuple[Ran, ...] = (ran(Procedure.FAILOVER, 1001), ran(Procedure.FAILBACK, 1050)),
    orders: tuple[Order, ...] = (order("a", 999), order("b", 1020)),
    writes: tuple[Write, ...] = (),
    kept: frozenset[str] = frozenset({"a", "b"}),
    recorded: tuple[Recorded, ...] | None = None,
) -> Account:
    return take_account(
        runs=runs, broken=BROKEN, orders=orders, writes=writes, kept=kept, recorded=recorded
    )


def unmet(found: Account) -> list[str]:
    return [one.text for one in criteria(found) if not one.met]


def test_a_clean_drill_passes() -> None:
    assert unmet(account()) == []


def test_a_drill_that_could_not_go_on_has_not_passed() -> None:
    found = replace(account(), ended_early="lab: site east does not answer")
    assert unmet(found) == ["the drill could not go on: lab: site east does not answer"]


def test_an_order_lost_with_the_site_is_told_and_is_no_failure() -> None:
    found = account(kept=frozenset({"b"}))
    assert [one.id for one in found.lost_with_site] == ["a"]
    assert unmet(found) == []


def test_an_order_lost_afterwards_is_a_failure() -> None:
    found = account(kept=frozenset({"a"}))
    assert [one.id for one in found.lost_later] == ["b"]
    assert unmet(found) == ["1 orders were lost after the failover, by switching"]


def test_two_writers_are_a_failure() -> None:
    writes = (Write("west", 2, 1.0, 1.1), Write("east", 1, 2.0, 2.1))
    assert unmet(account(writes=writes)) == ["two sites took writes at once, 1 times"]


def test_spans_that_only_overlap_are_told_and_are_no_failure() -> None:
    writes = (Write("west", 2, 1.0, 1.1), Write("east", 1, 0.9, 1.05))
    found = account(writes=writes)
    assert [one.certain for one in found.moments] == [False]
    assert unmet(found) == []


@pytest.mark.parametrize("code", [1, 3, 6])
def test_a_run_that_did_not_meet_its_objectives_is_a_failure(code: int) -> None:
    found = account(runs=(ran(Procedure.FAILOVER, 1001, code=code),))
    assert unmet(found) == [f"failover ended with exit code {code}"]


def test_what_prefect_does_not_have_is_a_failure_and_named() -> None:
    missing = Recorded("20261123-001001-7f3a", "COMPLETED", 0, ("promote",))
    assert unmet(account(recorded=(missing,))) == [
        "Prefect does not have everything: 20261123-001001-7f3a is COMPLETED, missing: promote"
    ]
    whole = Recorded("20261123-001001-7f3a", "COMPLETED", 1, ())
    assert unmet(account(recorded=(whole,))) == []


@pytest.mark.parametrize("left", [None, 60.0])
def test_an_engine_that_stays_is_a_failure(left: float | None) -> None:
    found = account(runs=(ran(Procedure.FAILOVER, 1001, left=left),))
    assert unmet(found) == ["the engine stayed too long after its run: failover"]


def test_each_outage_has_its_cause() -> None:
    found = account()
    assert cause(found, Outage(1000.1, 1007, 9)) == "power cut"
    assert cause(found, Outage(1051, 1052, 9)) == "failback"
    assert cause(found, Outage(1030, 1031, 1)) == ""
    assert cause(found, Outage(990, 991, 1)) == ""


def test_the_account_fits_into_a_hundred_columns_and_needs_no_terminal() -> None:
    written = StringIO()
    out = Console(file=written, width=100, highlight=False)
    found = account(
        orders=(order("a", 999), order("x", 1000.2, acknowledged=False), order("b", 1020)),
        kept=frozenset({"b"}),
    )
    assert show_account(out, found, Path("/state/journal.sqlite"))
    text = written.getvalue()
    lines = text.splitlines()
    assert max(len(line) for line in lines) <= 100
    assert not any(line != line.rstrip() for line in lines)
    for said in (
        "recovery time (RTO)",
        "at most 0.90 s",
        "not measured",
        "The drill passed",
        "power cut",
        "Lost orders",
        "/state/journal.sqlite",
        "\x1b",
    ):
        assert (said in text) is (said != "\x1b"), said
