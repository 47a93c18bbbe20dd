"""What is masked in the journal, and what is kept by its place."""

from __future__ import annotations

from pathlib import Path

from engine_bench import inventory, plan_of

from drtool.clock import SystemClock
from drtool.journal.store import Journal
from drtool.model.change import Change
from drtool.model.event import RunStarted, StepEnded, StepStarted, Via
from drtool.model.inventory import Host
from drtool.model.place import Place
from drtool.model.plan import PlanStep
from drtool.model.purpose import Mode, Outcome, Purpose, StepKind
from drtool.progress.state import fold
from drtool.redact import MASK, Redactor
from drtool.units import Duration


def test_secrets_that_are_parts_of_names_leave_a_run_that_can_be_read_and_resumed(
    tmp_path: Path,
) -> None:
    path, redactor = tmp_path / "journal.sqlite", Redactor()
    journal = Journal.open(path, SystemClock(), redactor)
    run = journal.new_run_id()
    for word in ("postgres", "orders", run[:4], "east", "canary-4711"):
        redactor.learn(word)
    said = {"argv": ["--key", "canary-4711"], "host": "db.east.example"}
    step = PlanStep(
        name="stop_orders",
        kind=StepKind.ACTION,
        action="postgresql.fence",
        purpose=Purpose.FENCE,
        place=Place(site="east", system="db"),
        fields={**said, "password": {"secret": "env:postgres_password"}},
        needs=("see_orders",),
        when="${ steps.see_orders.out == 'postgres' }",
        deadline=Duration(60),
        rescues=("to_orders",),
        instructions="type canary-4711",
        source="/srv/postgres/orders.yaml:4:8",
    )
    host = Host(also_runs=("db.east.example",))
    plan = plan_of(
        step,
        inventory=inventory().model_copy(update={"hosts": {"db_east": host}}),
        critical_path=("stop_orders",),
        source="/srv/postgres/orders.yaml",
        digest="2026postgres",
    )
    begins = RunStarted(
        plan=plan,
        mode=Mode.LIVE,
        requester="postgres",
        host="orders-1",
        pid=7,
        version="1",
        engine="direct",
    )
    ended = StepEnded(
        step="stop_orders",
        outcome=Outcome.FAILED,
        via=Via.DIRECT,
        seen={"said": "it is canary-4711"},
        changes=(Change(subject="key", before="", after="canary-4711"),),
        reason="canary-4711 of orders",
    )
    started = StepStarted(step="stop_orders", via=Via.DIRECT)
    journal.append(run, begins, started, ended)
    journal.close()
    assert b"canary" not in path.read_bytes()
    reopened = Journal.open(path, SystemClock(), Redactor())
    (begun, stood, over) = reopened.events(run)
    reopened.close()
    assert isinstance(begun.body, RunStarted)
    hidden = {**step.fields, "argv": ["--key", MASK]}
    kept = step.model_copy(update={"fields": hidden, "instructions": f"type {MASK}"})
    assert begun.body.plan == plan.model_copy(update={"steps": (kept,)})
    assert stood.body == started
    assert isinstance(over.body, StepEnded)
    assert over.body.step == "stop_orders"
    assert over.body.seen == {"said": f"it is {MASK}"}
    assert over.body.reason == f"{MASK} of {MASK}"
    assert over.body.changes[0].after == MASK
    assert fold((begun, stood, over)).step("stop_orders").outcome is Outcome.FAILED
