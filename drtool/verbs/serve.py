"""The engine's process: load, look, plan, reach everything, take the lease, run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drtool.action import Facts, Hands, Look
from drtool.bootstrap import App
from drtool.compiler.choice import EngineMode, choose_engine
from drtool.connections.reach import Connections
from drtool.connections.token_guard import TokenGuard
from drtool.engine.direct import DirectExecutor
from drtool.engine.ports import Executor, Heir, Listener, Ports, RunSettings
from drtool.engine.run import Engine
from drtool.errors import Interrupted
from drtool.journal.alone import Alone, carry_alone
from drtool.journal.pulse import Pulsing
from drtool.journal.store import Journal
from drtool.lease.arbiter import take
from drtool.lease.lease import Lease
from drtool.lease.still import Still
from drtool.lease.whereabouts import marks
from drtool.model.event import ReportWritten, Request, Warned
from drtool.model.plan import Plan
from drtool.model.proof import Statement
from drtool.model.purpose import Mode
from drtool.runbook.load import Loaded, load
from drtool.runbook.planning import plan as make_plan
from drtool.verbs.automatic import allowance_of, flapping_before
from drtool.verbs.freeze import ask_flags, not_frozen
from drtool.verbs.launch import Launched, Tell
from drtool.verbs.notices import listeners
from drtool.verbs.people_now import InventoryNow
from drtool.verbs.permit import must_be_signed
from drtool.verbs.preflight import Call, open_all
from drtool.verbs.request import StartRequest, outage_start, parameters
from drtool.verbs.roles import observe_roles
from drtool.verbs.unfinished import unfinished, unfinished_first
from drtool.verbs.wanted import facts_before, reason_not_to_start, wanted


@dataclass(frozen=True)
class Ready:
    """All that a run has at hand before its first step."""

    app: App
    journal: Journal
    connections: Connections
    lease: Lease | None
    executor: Executor
    mode: Mode
    listeners: tuple[Listener, ...]
    inventory_now: InventoryNow | None
    alone: Alone


def serve(request: StartRequest, app: App, tell: Tell, read: Loaded | None = None) -> int:
    """Be the engine of one run, from its request to its exit code.

    ``read`` are the documents, where they were read already. Raises DrtoolError for everything
    that keeps the run from starting.
    """
    started = app.clock.wall()
    since = outage_start(request.outage_since, started)
    carrying = Call("engine", lambda: carrier(request.engine, request.mode, app))
    given = parameters(request.parameters)
    loaded = read or load(request.runbook, request.inventory, app.catalog, given)
    must_be_signed(request, loaded)
    journal = app.journal()
    allowance = allowance_of(request, loaded, journal, started)
    flapping = "" if allowance else flapping_before(request, loaded, journal, started)
    live = request.mode.changes_the_world
    earlier = unfinished(loaded.runbook.service, app) if live else ""
    run = journal.new_run_id()
    followers = listeners(app, loaded.inventory, loaded.directory, run, request.mode)
    connections = app.connections(loaded.inventory, loaded.directory, run)
    plan = _plan(request, app, loaded, connections)
    facts = facts_before(plan, request, run, started, since)
    asked = ask_flags(facts.service, connections.context) if facts.mode.changes_the_world else {}
    missed = open_all(connections, wanted(plan, app.catalog, facts))
    reason = reason_not_to_start(plan, missed)
    if reason is not None:
        raise reason
    source, aside = plan.inventory_source, request.break_glass
    flags = not_frozen(asked, facts.service, started, source, aside)
    by_force = request.take_over is not None
    lease = lease_for(facts, connections, journal, request.requester, by_force=by_force)
    executor, note = carrying.value()
    now, mode = inventory_now(plan), request.mode
    alone = carry_alone(app.home, run)
    ready = Ready(app, journal, connections, lease, executor, mode, followers, now, alone)
    settings = RunSettings(
        run=run,
        plan=plan,
        mode=request.mode,
        requester=request.requester,
        engine_note=note,
        outage_start=since,
        outage_source=request.outage_source if since else "not measured",
        accepted_loss=request.accepted_loss,
        statement=Statement(by=request.requester, reason=request.statement, at=started)
        if request.statement
        else None,
        taken_over=_taken_over(request, lease),
        automatic=allowance,
        signed=request.signed,
        break_glass=request.break_glass,
        warned=(
            *((Warned(about="flapping", text=flapping),) if flapping else ()),
            *flags,
        ),
    )
    troubles = dict.fromkeys(miss.error.line() for miss in missed)
    accepted = (str(request.accepted_loss),) if request.accepted_loss else ()
    over = (settings.taken_over,) if settings.taken_over else ()
    often = (flapping,) if flapping else ()
    left = (earlier,) if earlier else ()
    said = (
        *left,
        *often,
        *over,
        *(one.text for one in flags),
        *accepted,
        *loaded.warnings,
        *troubles,
    )
    launched = Launched(run=run, warnings=said)
    return execute(Engine(settings, ports(ready)), ready, lambda: tell(launched))


def inventory_now(plan: Plan) -> InventoryNow | None:
    """The inventory as its file is today, where keys may be taken from it; None elsewhere.

    It is read once more on a thread, while nobody waits for it.
    """
    if not plan.inventory.proves_identity or not plan.inventory_source:
        return None
    now = InventoryNow(Path(plan.inventory_source))
    threading.Thread(target=now, name="inventory", daemon=True).start()
    return now


def _taken_over(request: StartRequest, lease: Lease | None) -> str:
    """Who took the lease by force, from whom and why; "" where nobody had to give way."""
    if lease is None or not lease.over:
        return ""
    return (
        f"THE LEASE WAS TAKEN OVER BY FORCE by {request.requester} from {lease.over}: "
        f"{request.take_over}. What that run begins from now on is refused, what it has begun is "
        "not"
    )


def lease_for(
    facts: Facts,
    connections: Connections,
    journal: Journal,
    holder: str,
    *,
    from_stopped: bool = False,
    by_force: bool = False,
) -> Lease | None:
    """The right to act, taken for modes that change the world; raises LeaseHeld.

    From then on hosts are shown its token before they run a command.
    """
    if not facts.mode.changes_the_world:
        return None
    lease = take(
        facts.service,
        facts,
        connections,
        journal,
        holder,
        from_stopped=from_stopped,
        by_force=by_force,
    )
    connections.context.guard = TokenGuard(facts.service, lambda: marks(lease, facts))
    return lease


def _plan(request: StartRequest, app: App, loaded: Loaded, connections: Connections) -> Plan:
    roles = observe_roles(connections, loaded.inventory, request.from_site)
    with unfinished_first(loaded.runbook.service, app):
        return make_plan(
            loaded,
            request.procedure,
            roles,
            from_site=request.from_site,
            to_site=request.to_site,
            catalog=app.catalog,
        )


def ports(ready: Ready) -> Ports:
    """What the engine needs of the world, made of what is at hand."""
    connections, lease = ready.connections, ready.lease
    session = lease.session if lease else None
    still = Still(lease, ready.app.clock) if lease else None
    if still is not None and connections.context.guard is not None:
        connections.context.guard.still = still

    def look(facts: Facts) -> Look:
        return Look(connections, facts)

    def hands(facts: Facts) -> Hands:
        return Hands(connections, facts, session, still or (lambda: None))

    def report(run: str) -> ReportWritten:
        from drtool.verbs.reporting import write_report  # noqa: PLC0415 - wanted only at the end

        return write_report(ready.app, ready.journal, run)

    def ready_heir(request: Request) -> Heir:
        from drtool.verbs.heirs import stand_by  # noqa: PLC0415 - wanted by few runs

        return stand_by(ready, request)

    return Ports(
        journal=ready.journal,
        executor=ready.executor,
        entries=ready.app.catalog,
        look=look,
        clock=ready.app.clock,
        redactor=ready.app.redactor,
        hands=hands if lease else None,
        lease=still,
        listeners=ready.listeners,
        report=report,
        ready_heir=ready_heir,
        inventory_now=ready.inventory_now,
        pulse=lambda run: Pulsing(ready.journal.path, run, ready.app.clock),
    )


def carrier(engine: str, mode: Mode, app: App) -> tuple[Executor, str]:
    """What carries the steps, and what to tell of the choice; Prefect's import has begun."""
    choice = choose_engine(EngineMode(engine), app.home, os.environ)
    if choice.api is None:
        return DirectExecutor(), choice.note
    from drtool.compiler.executor import PrefectExecutor  # noqa: PLC0415 - only when it is used

    log = app.logs / f"{os.getpid()}.prefect.log"
    made = PrefectExecutor(choice.api, mode, app.redactor, log, app.home / "prefect")
    made.prepare()
    return made, choice.note


def execute(engine: Engine, ready: Ready, tell: Callable[[], None]) -> int:
    """Run to the end, and the failover too that may take it over; the exit code of the last.

    ``tell`` is called when the run is in the journal: before that nobody can follow it.
    """
    try:
        code = engine.execute(tell).exit_code
        if engine.heir is not None:
            code = engine.heir.carry()
            engine.settle()
    except Interrupted as error:
        return error.exit_code
    else:
        return code
    finally:
        ready.connections.close()
        ready.journal.close()
        ready.alone.release()
