"""postgresql.demote: stop a healthy primary so that nothing is lost and it stays down."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.postgresql.by_hand import (
    RECEIVED,
    log_in,
    on_host,
    processes,
    queries,
    start,
    stop,
    tool,
)
from drtool.actions.postgresql.listener import reason_elsewhere
from drtool.actions.postgresql.sides import other_side, place_of, system_at
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.postgresql_host import PostgresqlHostHands, PostgresqlHostReader
from drtool.connections.reach import Reader
from drtool.errors import Unreachable
from drtool.model.change import Change
from drtool.model.inventory import Postgresql
from drtool.model.place import Place
from drtool.model.postgresql_host import IN_PRODUCTION, HostState
from drtool.model.proof import Proof, ProofKind
from drtool.model.purpose import Purpose
from drtool.model.replication import ManagerSign, Replication, position_text
from drtool.model.value import Value
from drtool.safety.identity import reason_not_same_cluster
from drtool.safety.managers import reason_managed_elsewhere
from drtool.safety.processes import reason_able_to_write, reason_managed
from drtool.units import Duration


class Demotion(Value):
    """How far the old primary is on its way down, and what its standby has of it.

    ``position`` is a byte of its last record, None while that is not known, ``received`` what the
    standby has; both are numbers of bytes in the WAL. ``able_to_write`` says why it counts as
    still able to, and is empty once it is fenced; ``elsewhere`` that the server runs, but not from
    its directory. ``managers`` are what is in charge of the standby, and would promote it itself.
    """

    place: str
    standby_place: str
    at: datetime
    host: HostState
    standby: Replication | None
    trouble: str = ""
    managers: tuple[ManagerSign, ...] = ()
    identity: str
    able_to_write: str = ""
    elsewhere: str = ""
    position: int | None = None
    received: int | None = None

    @property
    def everything_received(self) -> bool:
        """Whether the standby has the shutdown checkpoint, or took over since.

        More than where the checkpoint begins; a server that was promoted tells no more of what it
        had received, and a run that is resumed after its promotion looks at the fence once more.
        """
        return self.taken_over or (
            self.position is not None
            and self.received is not None
            and self.received > self.position
        )

    @property
    def crashed(self) -> bool:
        """Whether it ended without a shutdown checkpoint: where its WAL ends is not known."""
        return not self.host.running and self.host.control is not None and self.position is None

    @property
    def taken_over(self) -> bool:
        """Whether the standby is a primary of this cluster by now, on a later timeline."""
        standby, control = self.standby, self.host.control
        if standby is None or control is None or standby.in_recovery:
            return False
        same = standby.system_identifier == control.system_identifier
        return same and standby.timeline > control.timeline


class Demote(StateAction[Demotion]):
    """Stop the primary of a planned switchover, once its standby has all of its WAL.

    It ends stopped, with ``standby.signal`` in its data directory, and proves it: a supervisor
    that starts it again starts a standby. ``drain`` bounds the fast stop, ``max_age`` the proof.
    Before the promotion it can be taken back, by ``drtool unwind``: every other server of the
    cluster must answer then, and be a standby.
    """

    purpose: ClassVar[Purpose] = Purpose.FENCE
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    default_deadline: ClassVar[Duration] = Duration(30)
    every: ClassVar[Duration] = Duration(0.02)

    drain: Duration = Field(default=Duration(15), description="How long the stop may take.")
    max_age: Duration = Field(default=Duration(300), description="How long its proof holds.")

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The old primary's host, and the standby that must have everything."""
        place, standby = str(place_of(facts)), str(other_side(facts))
        return [
            (PostgresqlHostReader, place),
            (PostgresqlHostHands, place),
            (PostgresqlReader, standby),
        ]

    def observe(self, look: Look) -> Demotion:
        """Processes and control file at the old primary, received position at the standby."""
        place, standby_place = place_of(look.facts), other_side(look.facts)
        state = look.reach(PostgresqlHostReader, str(place)).state()
        standby, trouble = None, ""
        managers: tuple[ManagerSign, ...] = ()
        try:
            reader = look.reach(PostgresqlReader, str(standby_place))
            standby = reader.replication()
            if state.running and standby.in_recovery:  # nobody waits for it once it is stopped
                managers = reader.managers()
        except Unreachable as error:
            trouble = error.line()
        identity = system_at(look.facts, place).system_identifier or ""
        if not identity and standby is not None:
            identity = standby.system_identifier
        able = reason_able_to_write(state, identity) or ""
        elsewhere = "" if able else reason_elsewhere(look, identity, running=state.running)
        return Demotion(
            place=str(place),
            standby_place=str(standby_place),
            at=look.now(),
            host=state,
            standby=standby,
            trouble=trouble,
            managers=managers,
            identity=identity,
            able_to_write=able or elsewhere,
            elsewhere=elsewhere,
            position=state.last_record,
            received=standby.received if standby is not None else None,
        )

    def changes(self, seen: Demotion) -> list[Change]:
        """One, until the primary is down and the standby has everything."""
        if not seen.able_to_write and seen.everything_received:
            return []
        before = seen.host.control.state if seen.host.control else "unknown"
        after = "stopped for good, standby.signal written, its last record received by "
        return [
            Change(
                subject=f"postgresql {seen.place}", before=before, after=after + seen.standby_place
            )
        ]

    def reason_to_wait(self, seen: Demotion) -> str | None:
        """It is down, or going down: the rest is on its way, unless it has crashed."""
        if seen.able_to_write or seen.crashed:
            return None
        if seen.trouble:
            return f"{seen.place} is stopped; {seen.trouble}"
        return (
            f"{seen.place} is stopped with its last record at {position_text(seen.position)}, "
            f"but {seen.standby_place} has received {position_text(seen.received)} only; "
            f"promote nothing: remove standby.signal and start {seen.place} again"
        )

    def reason_not_to_apply(self, seen: Demotion, facts: Facts) -> str | None:
        """What speaks against stopping this server now."""
        del facts
        control = seen.host.control
        if control is None:
            return f"{seen.place}: {seen.host.control_trouble}"
        return (
            seen.elsewhere
            or reason_managed(seen.host)
            or reason_not_same_cluster(seen.place, control.system_identifier, seen.identity)
            or _reason_nothing_to_stop(seen)
            or self._reason_standby_not_ready(seen, control.state)
        )

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Write ``standby.signal``, stop fast, wait until the processes are gone."""
        del changes
        place = place_of(hands.facts)
        identity = system_at(hands.facts, place).system_identifier
        if identity is None:
            standby = hands.reach(PostgresqlReader, str(other_side(hands.facts)))
            identity = standby.replication().system_identifier
        host = hands.reach(PostgresqlHostHands, str(place))
        note = f"drtool run {hands.facts.run}: demoted at {hands.now().isoformat()}"
        host.stop(identity, note, self.drain.seconds, kill=False)

    def reason_not_to_undo(self, look: Look, before: Demotion) -> str | None:
        """Why this server must stay down: every other one is asked now whether it was promoted."""
        place, timeline = place_of(look.facts), before.standby.timeline if before.standby else None
        for site, at in look.facts.inventory.sites.items():
            for name in (name for name, one in at.systems.items() if isinstance(one, Postgresql)):
                other = Place(site=site, system=name)
                if other == place:
                    continue
                try:
                    seen = look.reach(PostgresqlReader, str(other)).replication()
                except Unreachable as error:
                    return f"whether {other} was promoted cannot be seen: {error.line()}"
                promoted = not seen.in_recovery
                if promoted and seen.system_identifier == before.identity:
                    return f"{other} is a primary: {place} would be a second one"
                if str(other) == before.standby_place and seen.timeline != timeline:
                    return f"{other} is on timeline {seen.timeline}: it was promoted meanwhile"
        return None

    def undo(self, hands: Hands, before: Demotion) -> None:
        """Start it as the primary that it was, while nobody else is one."""
        place = place_of(hands.facts)
        host = hands.reach(PostgresqlHostHands, str(place))
        note = f"drtool run {hands.facts.run}:"
        state = host.release(before.identity, note, self.drain.seconds)
        if not state.running:
            host.start_server()

    def proofs(self, seen: Demotion, facts: Facts) -> list[Proof]:
        """That no process is left that could write, and where the WAL ended."""
        del facts
        if seen.able_to_write:
            return []
        return [
            Proof(
                kind=ProofKind.PROCESSES,
                subject=seen.place,
                identity=seen.identity,
                evidence=str(seen.host),
                at=seen.at,
                max_age=self.max_age,
                durable=True,
                final_position=seen.position,
            )
        ]

    def by_hand(self, facts: Facts) -> list[str]:
        """Stop it in a way that cannot lose anything, and look what it left."""
        server, standby = system_at(facts, place_of(facts)), other_side(facts)
        control = f"{tool(server, 'pg_controldata')} -D {server.data_directory}"
        signal = f"touch {server.data_directory}/standby.signal"
        commands = [signal, stop(server, self.drain.seconds), processes(server), control]
        return [
            log_in(facts, server),
            *on_host(server, commands),
            "No process may be left; its state must be 'shut down'. Note the latest checkpoint.",
            *queries(facts, standby, RECEIVED),
            "What is received must be beyond that checkpoint.",
            "If it is not, promote nothing, and start it again as the primary that it was:",
            *on_host(server, [f"rm {server.data_directory}/standby.signal", start(server)]),
        ]

    def _reason_standby_not_ready(self, seen: Demotion, state: str) -> str | None:
        standby = seen.standby
        if standby is None:
            return f"its standby cannot be asked: {seen.trouble}"
        other = reason_not_same_cluster(
            seen.standby_place, standby.system_identifier, seen.identity
        )
        if other is not None:
            return other
        if not standby.in_recovery:
            return f"{seen.standby_place} is a primary already: stopping {seen.place} helps nobody"
        managed = reason_managed_elsewhere(seen.standby_place, seen.managers)
        if managed is not None:  # the promotion would be refused, with nothing writable
            return managed
        stopping = state != IN_PRODUCTION  # its last record is on the way, or has arrived
        if seen.host.running and not stopping and not standby.streaming:
            return f"{seen.standby_place} does not stream: it would miss the last records"
        return None


def _reason_nothing_to_stop(seen: Demotion) -> str | None:
    if not seen.crashed:
        return None
    return (
        f"{seen.place} is not running and was not shut down: it has crashed; "
        "this is no planned switchover any more: drtool failover"
    )
