"""A machine with a journal of its own, from which runs of the real engine act on the world."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from sim_actions import catalog, documents
from sim_heir import SimHeir
from sim_reach import SimConnections, SimContext, SimReader, SimSession
from sim_stage import (
    InTurn,
    Killed,
    Process,
    SimEvent,
    SimQueue,
    Stage,
    threading_on,
    time_on,
)
from sim_world import ADDRESS, SITES, SimWorld

from drtool import crashpoint as crash
from drtool.action import Facts, Hands, Look
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.engine.desk import Waiter
from drtool.engine.ending import ending
from drtool.engine.handing import escalation_asked
from drtool.engine.ports import Limits, Ports, Resumption, RunSettings, Work
from drtool.engine.run import Engine
from drtool.errors import DrtoolError, Unreachable
from drtool.journal.store import Journal
from drtool.lease.arbiter import take
from drtool.lease.handing import handed_over
from drtool.lease.lease import Lease
from drtool.lease.still import Still
from drtool.model.event import Body, Event, Request, RunEnded, RunStarted, Via
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode, Procedure
from drtool.model.steering import EscalationAsked
from drtool.progress.run_state import RunState
from drtool.progress.state import fold
from drtool.redact import Redactor
from drtool.runbook.direction import ObservedRoles
from drtool.runbook.planning import plan as make_plan

LIMITS = Limits(tick=1.0, consent_tick=1.0, unclaimed=30.0, consent=600.0)
REQUESTER, CHIEF = "operator", "chief"
_PATCHED = ("drtool.engine.", "drtool.lease.", "drtool.actions.")


class SimClock:
    """A machine's clock; ``skew`` is how far its wall time is off."""

    def __init__(self, machine: str, world: SimWorld) -> None:
        self._stage, self.world, self.machine = world.stage, world, machine
        self.skew = 0.001 * len(machine)  # so that no two bear the same run id

    def wall(self) -> datetime:
        return self.world.wall() + timedelta(seconds=self.skew)

    def monotonic(self) -> float:
        return self._stage.now

    def boot_id(self) -> str:
        return "sim"

    def sleep(self, seconds: float, until: Any = None) -> bool:
        if until is not None:
            return bool(until.wait(seconds))
        self._stage.pause(until=self._stage.now + seconds)
        return False


class SimExecutor:
    """Carries each step on a thread of the stage."""

    name = "direct"

    def __init__(self, stage: Stage) -> None:
        self._threading = threading_on(stage)

    def start(self, plan: Plan, run: str, on_cancel: Callable[[], None]) -> None:
        del plan, run, on_cancel

    def ready(self) -> None:
        pass

    def submit(self, step: PlanStep, work: Work) -> None:
        self._threading.Thread(target=work, args=(Via.DIRECT, ""), name=step.name).start()

    def finish(self, ended: RunEnded, report: str) -> str:
        del ended, report
        return ""


class Heard:
    """A listener: what was told of a run."""

    def __init__(self, told: list[Event]) -> None:
        self._told = told

    def hear(self, event: Event) -> None:
        self._told.append(event)

    def account(self, seconds: float) -> tuple[str, ...]:
        del seconds
        return ()


class Machine:
    """Starts runs and takes them up; one process at a time."""

    def __init__(self, name: str, world: SimWorld, home: Path) -> None:
        self.name, self.world, self.stage = name, world, world.stage
        self.clock = SimClock(name, world)
        self.redactor = Redactor()
        self.path = home / name / "journal.db"
        self.path.parent.mkdir()
        self.journal = self._open()
        self.process: Process | None = None
        self.told: dict[str, list[Event]] = {}
        self.runs: list[str] = []
        self.refusals: list[DrtoolError] = []

    @property
    def lives(self) -> bool:
        """Whether an engine is under way here."""
        return self.process is not None and self.process.runs

    @property
    def run(self) -> str:
        """The newest run of this machine."""
        return self.runs[-1] if self.runs else ""

    def events(self, run: str = "") -> list[Event]:
        return self.journal.events(run or self.run)

    def state(self, run: str = "") -> RunState:
        return fold(self.events(run))

    @property
    def interrupted(self) -> bool:
        """Whether its newest run has begun, has not ended, and nothing carries it."""
        if self.lives or not self.runs or not self.events():
            return False
        return self.state().ended is None

    @property
    def ended(self) -> bool:
        """Whether its newest run has ended by its record."""
        events = self.events() if self.runs else []
        return bool(events) and fold(events).ended is not None

    def start(
        self,
        procedure: Procedure,
        from_site: str | None = None,
        to_site: str | None = None,
        mode: Mode = Mode.LIVE,
        since: float | None = None,
        *,
        by_force: bool = False,
    ) -> Process:
        """Type a procedure; ``since`` is how long the outage has lasted."""

        def main() -> None:
            self._serve(procedure, (from_site, to_site), mode, since, by_force=by_force)

        return self._begin(main)

    def resume(self, *, escalate: bool = False) -> Process:
        """Take the newest run up, or hand it over; one whose heir has begun is only ended."""
        escalation = self.state().escalation
        if escalation is not None and self.journal.events(escalation.heir):
            self.journal.append(self.run, ending(self.state()))
            self._heir_began(escalation.heir)
        run = self.run
        return self._begin(lambda: self._serve_again(run, escalate=escalate))

    def ask(self, verb: Any, step: str = "", by: str = CHIEF, **said: Any) -> None:
        """What somebody types at another terminal."""
        given: dict[str, Any] = {"service": "orders", "reason": "because"} | said
        if verb in {"retry", "skip"} and step in self.asks:
            waiting = self.state().waiting_for
            given["expires"] = [one.asked for one in waiting if one.asked.step == step][-1].expires
        self.journal.request(
            Request(run=self.run, verb=verb, step=step, by=by, at=self.clock.wall(), **given)
        )

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        if self.process is not None:
            self.stage.end(self.process)
            self._ended()

    def turns(self, count: int) -> int:
        """Let its engine have turns while there is something to do; how many it had."""
        had = 0
        while had < count and self.lives and self.process and self.stage.turn(self.process):
            had += 1
        self._ended()
        return had

    def carry(self, seconds: float = 900.0) -> None:
        """Let its engine run, and time pass, until it is over, asks somebody, or time is up."""
        end = self.stage.now + seconds
        while self.lives and self.process is not None and self.stage.now < end:
            if self.turns(10_000):
                continue
            if self.asks and not self.journal.pending(self.run):
                return
            wakes = self.stage.wakes(self.process)
            left = 1.0 if wakes is None else max(0.0, wakes - self.stage.now)
            self.world.tick(min(1.0, left))

    @property
    def asks(self) -> list[str]:
        """What its run asks people about."""
        if not self.lives or not self.runs:
            return []
        events = self.events()
        return [one.asked.step for one in fold(events).waiting_for] if events else []

    def close(self) -> None:
        self.kill()
        self.journal.close()

    def _begin(self, main: Callable[[], None]) -> Process:
        assert not self.lives
        self.process = self.stage.begin(self.name, main)
        return self.process

    def _ended(self) -> None:
        if self.process is not None and not self.process.runs:
            self.world.end_sessions_of(self.name)
            if isinstance(self.process.error, DrtoolError):
                self.refusals.append(self.process.error)
                self.process.error = None

    def _open(self) -> Journal:
        return Journal.open(self.path, self.clock, self.redactor)

    def _connections(self, run: str) -> SimConnections:
        context = Context(documents().inventory, Secrets(self.redactor), self.clock, run=run)
        return SimConnections(SimContext.of(context))

    def _serve(
        self,
        procedure: Procedure,
        ends: tuple[str | None, str | None],
        mode: Mode,
        since: float | None,
        *,
        by_force: bool,
    ) -> None:
        started = self.clock.wall()
        outage = started - timedelta(seconds=since) if since is not None else None
        plan = planned(procedure, self._roles(), ends)
        journal = self._open()
        try:
            run = journal.new_run_id()
            connections = self._connections(run)
            facts = Facts(
                run=run, mode=mode, procedure=procedure, service="orders",
                inventory=plan.inventory, direction=plan.direction,
                objectives=plan.objectives, started=started, outage_start=outage,
            )  # fmt: skip
            self._warm(connections)
            lease = None
            if mode.changes_the_world:
                lease = take("orders", facts, connections, journal, REQUESTER, by_force=by_force)
            settings = RunSettings(
                run=run, plan=plan, mode=mode, requester=REQUESTER, outage_start=outage
            )
            self.runs.append(run)
            _carry(Engine(settings, self._ports(run, journal, connections, lease)))
        finally:
            journal.close()

    def _serve_again(self, run: str, *, escalate: bool) -> None:
        journal = self._open()
        try:
            events = journal.events(run)
            state, begun = fold(events), events[0].body
            assert isinstance(begun, RunStarted)
            connections = self._connections(run)
            facts = Facts(
                run=run, mode=state.mode, procedure=state.plan.procedure, service="orders",
                inventory=state.plan.inventory, direction=state.plan.direction,
                objectives=state.plan.objectives, started=state.started.wall,
                outage_start=state.outage_start, accepted_loss=begun.accepted_loss,
            )  # fmt: skip
            lease = None
            if state.mode.changes_the_world:
                over = escalate or state.escalation is not None
                stopped = state.fence_began is not None or over
                lease = take("orders", facts, connections, journal, REQUESTER, from_stopped=stopped)
            ports = self._ports(run, journal, connections, lease)
            first: tuple[Body, ...] = ()
            if escalate or state.escalation is not None:
                asked = Request(run=run, verb="escalate", by=CHIEF, at=self.clock.wall())
                heir = self._heir(asked, journal, lease, state.escalation)
                ports = replace(ports, heir=heir)
                first = () if state.escalation else (heir.asked,)
            _carry(Engine(Resumption(tuple(events), REQUESTER, "", first), ports))
        finally:
            journal.close()

    def _ports(
        self, run: str, journal: Journal, connections: SimConnections, lease: Lease | None
    ) -> Ports:
        if self.process is not None:
            self.process.run = run
        session = lease.session if lease else None
        return Ports(
            journal=journal,
            executor=SimExecutor(self.stage),
            entries=catalog(),
            look=lambda facts: Look(connections, facts),
            clock=self.clock,
            redactor=self.redactor,
            hands=(lambda facts: Hands(connections, facts, session)) if lease else None,
            lease=Still(lease, self.clock) if lease else None,
            listeners=(Heard(self.told.setdefault(run, [])),),
            limits=LIMITS,
            ready_heir=lambda request: self._heir(request, journal, lease),
        )

    def _heir(
        self,
        request: Request,
        journal: Journal,
        lease: Lease | None,
        known: EscalationAsked | None = None,
    ) -> SimHeir:
        """The failover that takes a run over, ready to begin."""
        state = fold(journal.events(request.run))
        run = known.heir if known else journal.new_run_id()
        asked = known or escalation_asked(request, state, run)
        ends = (state.plan.direction.from_site, state.plan.direction.to_site)
        settings = RunSettings(
            run=run,
            plan=planned(Procedure.FAILOVER, self._roles(), ends),
            mode=state.mode,
            requester=asked.by,
            outage_start=asked.outage_start,
            escalates=state.run,
        )

        def make(settings: RunSettings) -> Engine:
            kept = handed_over(lease, run) if lease else None
            return Engine(settings, self._ports(run, journal, self._connections(run), kept))

        return SimHeir(asked, settings, make, self._heir_began)

    def _heir_began(self, run: str) -> None:
        if run not in self.runs:
            self.runs.append(run)

    def _roles(self) -> ObservedRoles:
        found: dict[str, list[str]] = {"primaries": [], "standbys": [], "unreachable": []}
        self.stage.pause()
        for site in SITES:
            server = self.world.servers[site]
            if not self.world.answers(self.name, site):
                found["unreachable"].append(site)
            else:
                found["standbys" if server.recovery else "primaries"].append(site)
        return ObservedRoles(**{role: tuple(sites) for role, sites in found.items()})

    def _warm(self, connections: SimConnections) -> None:
        for site in SITES:
            with suppress(Unreachable):
                connections.get(SimReader.__mro__[1], f"{site}.orders_db").replication()


def _carry(engine: Engine) -> None:
    """Run it to its end, and the failover too that may take it over."""
    engine.execute()
    if engine.heir is not None:
        engine.heir.carry()
        engine.settle()


@cache
def _planned(
    procedure: Procedure, roles: ObservedRoles, ends: tuple[str | None, str | None]
) -> Plan:
    from_site, to_site = ends
    return make_plan(
        documents(), procedure, roles, from_site=from_site, to_site=to_site, catalog=catalog()
    )


def planned(
    procedure: Procedure, roles: ObservedRoles, ends: tuple[str | None, str | None]
) -> Plan:
    """The plan as the planner makes it; the same for the same roles."""
    return _planned(procedure, roles, ends)


@contextmanager
def on_stage(world: SimWorld) -> Iterator[None]:
    """While it is entered, our modules wait, begin threads and crash on the world's stage."""
    stage = world.stage
    fakes: dict[Any, Any] = {
        threading: threading_on(stage),
        time: time_on(stage),
        queue: SimpleNamespace(SimpleQueue=lambda: SimQueue(stage), Empty=queue.Empty),
    }
    originals = {
        crash.crashpoint: stage.passes,
        queue.SimpleQueue: lambda: SimQueue(stage),
        ThreadPoolExecutor: InTurn,
        Waiter: lambda asked: Waiter(asked, done=SimEvent(stage)),  # type: ignore[arg-type]
    }
    changes: list[Any] = [
        patch.object(module, attribute, fakes.get(value) or originals[value])
        for module, attribute, value in _waiting_places()
    ]
    changes += _ours(world)
    try:
        for change in changes:
            change.start()
        yield
    finally:
        for change in reversed(changes):
            change.stop()


@cache
def _waiting_places() -> tuple[tuple[Any, str, Any], ...]:
    """Every name in our modules by which they wait, begin threads or pass crash points."""
    catalog()  # what is imported late must be there
    documents()
    wanted = (threading, time, queue, queue.SimpleQueue, ThreadPoolExecutor, Waiter)
    return tuple(
        (module, attribute, value)
        for name, module in tuple(sys.modules.items())
        if name.startswith("drtool.") and module is not crash
        for attribute, value in tuple(vars(module).items())
        if value is crash.crashpoint
        or (name.startswith(_PATCHED) and any(value is one for one in wanted))
    )


def _ours(world: SimWorld) -> list[Any]:
    """The sockets and sessions that are opened without a connection's door."""
    from drtool.actions.postgresql import fence_paths  # noqa: PLC0415 - changed here only
    from drtool.lease import postgresql  # noqa: PLC0415 - changed here only

    def takes_connections(address: str, port: int, seconds: float) -> bool:
        del seconds
        process = world.stage.process
        site = next(site for site in SITES if ADDRESS[site] == address)
        server, name = world.servers[site], process.name if process else "client"
        if not (server.powered and world.linked(name, site)):
            return False
        return port == 22 or server.running

    return [
        patch.object(fence_paths, "takes_connections", takes_connections),
        patch.object(postgresql, "PostgresqlSession", SimSession),
    ]


__all__ = ["CHIEF", "REQUESTER", "Killed", "Machine", "SimClock", "on_stage", "planned"]
