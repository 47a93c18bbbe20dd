"""What lists of runs show of one run."""

from __future__ import annotations

import sqlite3

from pydantic import BaseModel

from drtool.journal.names import LANDMARKS
from drtool.model.event import Instant, World
from drtool.model.place import Direction
from drtool.model.pulse import Life
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.model.value import Value


class RunSummary(Value):
    """One run: what it was, when, how it ended.

    ``pid``, ``process``, ``host`` and ``boot`` are those of the engine that last took the run up.
    ``outcome``, ``world`` and ``exit_code`` are None while the run goes on, or when it was
    interrupted. ``life`` is how the engine is of a run that goes on, where somebody has looked.
    ``automatic`` says that nobody typed it.
    """

    run: str
    service: str
    runbook: str
    procedure: Procedure
    mode: Mode
    from_site: str | None
    to_site: str | None
    requester: str
    started: Instant
    ended: Instant | None = None
    outcome: Outcome | None = None
    world: World | None = None
    exit_code: int | None = None
    pid: int
    process: str = ""
    host: str
    boot: str
    report: str = ""
    life: Life | None = None
    automatic: bool = False
    break_glass: bool = False


class _Plan(BaseModel):
    runbook: str
    service: str
    procedure: Procedure
    direction: Direction


class _Body(BaseModel):
    """The few fields of a landmark that a list shows; the rest is not even built."""

    kind: str
    plan: _Plan | None = None
    mode: Mode = Mode.LIVE
    requester: str = ""
    host: str = ""
    pid: int = 0
    process: str = ""
    outcome: Outcome | None = None
    world: World | None = None
    exit_code: int | None = None
    html: str = ""
    automatic: object = None
    break_glass: str | bool = ""


class _Landmark(BaseModel):
    at: Instant
    body: _Body


def summaries_of(connection: sqlite3.Connection) -> list[RunSummary]:
    """One summary for each run, newest first."""
    found: dict[str, RunSummary] = {}
    rows = connection.execute(
        f"SELECT run, text FROM events WHERE kind IN {LANDMARKS} ORDER BY seq"  # noqa: S608
    )
    for run, text in rows:
        mark = _Landmark.model_validate_json(text)
        known = found.get(run)
        if mark.body.plan is not None:
            found[run] = _started(run, mark, mark.body.plan)
        elif known is not None:
            found[run] = known.model_copy(update=_later(mark))
    return list(reversed(found.values()))


def _started(run: str, mark: _Landmark, plan: _Plan) -> RunSummary:
    body = mark.body
    return RunSummary(
        run=run,
        service=plan.service,
        runbook=plan.runbook,
        procedure=plan.procedure,
        mode=body.mode,
        from_site=plan.direction.from_site,
        to_site=plan.direction.to_site,
        requester=body.requester,
        started=mark.at,
        pid=body.pid,
        process=body.process,
        host=body.host,
        boot=mark.at.boot,
        automatic=body.automatic is not None,
        break_glass=bool(body.break_glass),
    )


def _later(mark: _Landmark) -> dict[str, object]:
    body = mark.body
    if body.kind == "run.resumed":
        engine = {"pid": body.pid, "process": body.process, "host": body.host}
        gone = {"ended": None, "outcome": None, "world": None, "exit_code": None}
        return {**engine, "boot": mark.at.boot, **gone}
    if body.kind == "run.ended":
        end = {"outcome": body.outcome, "world": body.world, "exit_code": body.exit_code}
        broken = {"break_glass": True} if body.break_glass else {}
        return {"ended": mark.at, **end, **broken}
    return {"report": body.html}
