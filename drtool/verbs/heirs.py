"""Make a failover ready that takes a planned run over in the same engine's process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from drtool.action import Facts
from drtool.connections.reach import Connections
from drtool.connections.token_guard import TokenGuard
from drtool.engine.handing import escalation_asked
from drtool.engine.ports import Executor, Listener, RunSettings
from drtool.engine.run import Engine
from drtool.errors import Interrupted
from drtool.journal.alone import Alone, carry_alone
from drtool.lease.handing import handed_over
from drtool.lease.lease import Lease
from drtool.lease.whereabouts import marks
from drtool.model.event import Request
from drtool.model.plan import Plan
from drtool.model.purpose import Procedure
from drtool.model.steering import EscalationAsked
from drtool.progress.commands import typed_parameters
from drtool.progress.run_state import RunState
from drtool.progress.state import fold
from drtool.runbook.load import Loaded, load
from drtool.runbook.planning import plan as make_plan
from drtool.verbs.notices import listeners
from drtool.verbs.preflight import open_all
from drtool.verbs.request import StartRequest, parameters
from drtool.verbs.roles import observe_roles
from drtool.verbs.serve import Ready, carrier, ports
from drtool.verbs.wanted import facts_before, reason_not_to_start, wanted


@dataclass
class StandBy:
    """A failover that has been planned and has reached what it needs, and has not begun.

    It goes on with the connections of the run before it, and so with what they have seen of the
    primary; and with its lease, which is never let go in between.
    """

    asked: EscalationAsked
    before: Ready
    settings: RunSettings
    facts: Facts
    connections: Connections
    executor: Executor
    followers: tuple[Listener, ...]
    engine: Engine | None = None
    alone: Alone | None = None

    def begin(self) -> None:
        """Take the lease over and write the start."""
        lease = self._lease()
        ready = replace(
            self.before,
            lease=lease,
            connections=self.connections,
            executor=self.executor,
            listeners=self.followers,
            alone=carry_alone(self.before.app.home, self.settings.run),
        )
        self.alone = ready.alone
        self.engine = Engine(self.settings, ports(ready))
        self.engine.begin()

    def carry(self) -> int:
        """Run it to its end."""
        if self.engine is None:
            return Interrupted.exit_code
        try:
            return self.engine.execute().exit_code
        except Interrupted as error:
            return error.exit_code
        finally:
            self.dismiss()

    def dismiss(self) -> None:
        """Close what is its own."""
        if self.connections is not self.before.connections:
            self.connections.close()
        if self.alone is not None:
            self.alone.release()

    def _lease(self) -> Lease | None:
        if self.before.lease is None:
            return None
        lease, facts = handed_over(self.before.lease, self.settings.run), self.facts
        self.connections.context.guard = TokenGuard(facts.service, lambda: marks(lease, facts))
        return lease


def stand_by(
    before: Ready,
    request: Request,
    known: EscalationAsked | None = None,
) -> StandBy:
    """The failover that a request wants, ready to begin; takes a few seconds.

    The runbook's failover is planned as the file says it now; the planned run's stored plan has
    none. ``known`` is what an engine that is gone has written of it. Raises DrtoolError when it
    cannot be planned, or when what it needs does not answer.
    """
    app, journal = before.app, before.journal
    state = fold(journal.events(request.run))
    run = known.heir if known else journal.new_run_id()
    asked = known or escalation_asked(request, state, run)
    wants = _request_of(state, asked)
    loaded = load(wants.runbook, wants.inventory, app.catalog, parameters(wants.parameters))
    connections = before.connections
    if loaded.inventory != state.plan.inventory:
        connections = app.connections(loaded.inventory, loaded.directory, run)
    plan = _planned(wants, before, loaded, connections)
    facts = facts_before(plan, wants, run, app.clock.wall(), asked.outage_start)
    missed = open_all(connections, wanted(plan, app.catalog, facts))
    reason = reason_not_to_start(plan, missed)
    if reason is not None:
        raise reason
    executor, note = carrier(wants.engine, wants.mode, app)
    settings = RunSettings(
        run=run,
        plan=plan,
        mode=wants.mode,
        requester=asked.by,
        engine_note=note,
        outage_start=asked.outage_start,
        outage_source=asked.outage_source,
        escalates=state.run,
    )
    followers = listeners(app, loaded.inventory, loaded.directory, run, wants.mode)
    return StandBy(asked, before, settings, facts, connections, executor, followers)


def _request_of(state: RunState, asked: EscalationAsked) -> StartRequest:
    """The failover in the run's own direction and mode, through Prefect only if it answers."""
    plan = state.plan
    return StartRequest(
        runbook=Path(plan.source),
        procedure=Procedure.FAILOVER,
        inventory=Path(plan.inventory_source),
        from_site=plan.direction.from_site,
        to_site=plan.direction.to_site,
        mode=state.mode,
        engine="direct" if state.engine == "direct" else "auto",
        parameters=typed_parameters(plan.parameters),
        requester=asked.by,
    )


def _planned(wants: StartRequest, before: Ready, loaded: Loaded, connections: Connections) -> Plan:
    roles = observe_roles(connections, loaded.inventory, wants.from_site)
    return make_plan(
        loaded,
        wants.procedure,
        roles,
        from_site=wants.from_site,
        to_site=wants.to_site,
        catalog=before.app.catalog,
    )
