"""The page that Prefect shows beside a flow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from drtool.model.event import Instant, RunEnded, StatementMade, Via, Warned, World
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.plan import Objectives, Plan, PlanStep
from drtool.model.proof import Statement
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose, StepKind
from drtool.model.verdict import Verdict
from drtool.progress.run_state import RunState, StepState
from drtool.progress.summary import as_markdown
from drtool.units import Duration

NOW = Instant(wall=datetime(2026, 11, 23, 5, 0, tzinfo=UTC), monotonic=1.0, boot="b")
FENCE = PlanStep(
    name="fence",
    kind=StepKind.ACTION,
    action="postgresql.fence",
    purpose=Purpose.FENCE,
    budget=Duration(20),
    deadline=Duration(60),
)
STATE = RunState(
    run="r1",
    plan=Plan(
        runbook="orders",
        strategy=None,
        service="orders",
        procedure=Procedure.FAILOVER,
        direction=Direction(from_site="east", to_site="west"),
        objectives=Objectives(),
        inventory=Inventory(version=1, services={}, sites={}),
        steps=(FENCE,),
    ),
    mode=Mode.LIVE,
    requester="an operator",
    host="laptop",
    pid=1,
    process="",
    version="0",
    engine="prefect",
    engine_note="",
    started=NOW,
    last=NOW,
    seq=1,
    outage_start=None,
    outage_source="not measured",
    accepted_loss=None,
    adopts=None,
    steps=(StepState(FENCE),),
    world=World.RECOVERED,
    ended=RunEnded(
        outcome=Outcome.SUCCEEDED,
        exit_code=0,
        world=World.RECOVERED,
        verdicts=(
            Verdict(objective="rto", limit=Duration(300), measured_seconds=12.5, met=True),
            Verdict(objective="rpo", limit=None, measured_seconds=None, met=None, note="no row"),
        ),
    ),
)


def test_outcome_world_and_objectives_stand_on_top() -> None:
    page = as_markdown(STATE)
    assert page.startswith("# orders: failover, live\n")
    assert "**succeeded**, recovered" in page
    assert "- Recovery time: 12.5 s of 5m, met" in page
    assert "- Data loss: unknown (no row)" in page
    assert "east to west" in page


def test_a_persons_word_is_told_and_called_no_proof() -> None:
    word = Statement(by="ann", reason="the | power is off", at=NOW.wall)
    page = as_markdown(replace(STATE, statements=(StatementMade(step="fence", statement=word),)))
    assert "## A person's word, no proof\n\n- ann, step fence: the \\| power is off" in page


def test_a_step_is_a_row_and_cannot_break_the_table() -> None:
    done = replace(
        STATE.steps[0],
        outcome=Outcome.FAILED,
        via=Via.DIRECT,
        ended=NOW,
        seconds=1.5,
        reason="no | answer\nat all",
    )
    page = as_markdown(replace(STATE, steps=(done,)))
    assert r"| fence | fence | failed | 1.50 s | 20s | direct | no \| answer at all |" in page


def test_warnings_and_the_reports_place_are_told() -> None:
    page = as_markdown(replace(STATE, warnings=(Warned(about="executor", text="late"),)))
    assert "## Warnings\n\n- late" in page
