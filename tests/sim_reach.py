"""How a machine reaches the world in memory: the readers and writers that our actions ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Self, TypeVar, cast

from sim_stage import Stage
from sim_world import (
    ADDRESS,
    IDENTIFIER,
    NAME_SERVERS,
    RECORD_BYTES,
    RPO_SECONDS,
    START,
    Server,
    Session,
    SimWorld,
    other,
)

from drtool.connections.dns import Move, ResolversReader, ServerSays, ZoneHands, ZoneReader
from drtool.connections.postgresql import PostgresqlReader, PostgresqlSession
from drtool.connections.postgresql_host import PostgresqlHostHands, PostgresqlHostReader
from drtool.connections.reach import Connections, Context, Reader
from drtool.connections.redfish import PowerHands, PowerReader, PowerState
from drtool.errors import StepFailed, Unreachable
from drtool.model.postgresql_host import (
    IN_ARCHIVE_RECOVERY,
    IN_PRODUCTION,
    SHUT_DOWN,
    SHUT_DOWN_IN_RECOVERY,
    Control,
    HostState,
)
from drtool.model.postgresql_host import Process as ServerProcess
from drtool.model.replication import (
    Heartbeat,
    Holder,
    ManagerSign,
    Receiver,
    Replication,
    Sample,
    Sender,
)

R = TypeVar("R", bound=Reader)


class SimContext(Context):
    """As a connection's context, with the world and whose machine looks at it."""

    world: SimWorld
    machine: str
    stage: Stage

    @classmethod
    def of(cls, context: Context) -> Self:
        """The context of the machine whose clock it has."""
        clock: Any = context.clock
        made = cls(context.inventory, context.secrets, clock, run=context.run)
        made.world, made.machine, made.stage = clock.world, clock.machine, clock.world.stage
        return made


class SimReader(PostgresqlReader):
    """Reads of one server in the world."""

    def __init__(self, target: str, context: SimContext) -> None:
        self.target, self.sim = target, context
        self.world, self.machine = context.world, context.machine
        self.server = context.world.servers[target.partition(".")[0]]
        self.sample: Sample | None = None

    @property
    def lost(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def replication(self) -> Replication:
        self._ask()
        server, now = self.server, self.world.wall()
        beats = [record for record in server.wal if record.kind == "beat"]
        receiver = None
        if self.world.streams(server.site):
            receiver = Receiver(status="streaming", sender_host=ADDRESS[other(server.site)])
        here = server.position
        seen = Replication(
            place=self.target,
            in_recovery=server.recovery,
            read_only=server.recovery,
            system_identifier=IDENTIFIER,
            timeline=server.timeline,
            received=here if server.recovery else None,
            replayed=here if server.recovery else None,
            current=None if server.recovery else here,
            receiver=receiver,
            heartbeat=Heartbeat(written_at=START + timedelta(seconds=beats[-1].at)),
            server_version=170000,
            started_at=START + timedelta(seconds=server.started),
            now=now,
        )
        if seen.current is not None:
            at = self.sim.clock.wall()
            self.sample = Sample(position=here, timeline=seen.timeline, at=at)
        return seen

    def in_recovery(self) -> bool:
        self._ask()
        return self.server.recovery

    def senders(self) -> tuple[Sender, ...]:
        self._ask()
        return ()

    def managers(self) -> tuple[ManagerSign, ...]:
        self._ask()
        return ()

    def _ask(self) -> None:
        self.sim.stage.pause()
        self._reach()

    def _reach(self) -> None:
        if not self.world.answers(self.machine, self.server.site):
            raise Unreachable(f"postgresql {self.target}", "does not answer")


class SimSession(SimReader, PostgresqlSession):
    """A session that can hold the lease, promote and write; once lost it stays lost."""

    def __init__(self, target: str, context: SimContext) -> None:
        super().__init__(target, context)
        self._reach()
        number = len(self.world.effects) + sum(map(len, (s.sessions for s in self._servers)))
        token = f"{self.world.stage.now:012.3f}.{number}"
        self.session = Session(context.machine, context.run, token, self.world.wall())
        self.server.sessions.append(self.session)
        self._broken = False

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        return cls(target, SimContext.of(context))

    @property
    def lost(self) -> bool:
        return self._broken

    def close(self) -> None:
        self._broken = True
        if self.world.linked(self.machine, self.server.site):
            self.world.end_session(self.server, self.session)
        else:
            self.session.gone_since = self.session.gone_since or self.world.stage.now

    def try_lock(self, key: int) -> bool:
        self._ask()
        return self.server.locks.setdefault(key, self.session) is self.session

    def unlock(self, key: int) -> None:
        self._ask()
        if self.server.locks.get(key) is self.session:
            del self.server.locks[key]

    @contextmanager
    def asked_whether_it_holds(self, key: int) -> Iterator[Callable[[], bool]]:
        self._reach()  # the effect comes right after it: nobody has a turn in between
        yield lambda: self.server.locks.get(key) is self.session

    def who_holds(self, key: int) -> Holder | None:
        self._ask()
        holder = self.server.locks.get(key)
        if holder is None:
            return None
        return Holder(pid=1, application_name=holder.name, since=holder.since)

    def end_holder(self, key: int, holder: Holder) -> bool:
        self._reach()
        found = self.server.locks.get(key)
        if found is None or found.since != holder.since:
            return False
        self.world.end_session(self.server, found)
        return True

    def token(self) -> str:
        self._reach()
        return self.session.token

    def set_name(self, text: str) -> None:
        self._reach()
        self.session.name = text

    def promote(self, seconds: float = 10.0) -> bool:
        del seconds
        self._reach()
        if self.server.recovery:
            self._judge()
            self.world.promote(self.server)
            self.world.note(self.machine, self.run, "promote", self.server.site)
            self.world.stream()
        return True

    @property
    def run(self) -> str:
        """The run that bears the session now."""
        return self.session.name.rpartition(":")[2] or self.sim.run

    def _judge(self) -> None:
        """What an omniscient judge says of this promotion."""
        world, here = self.world, self.server
        left = world.servers[other(here.site)]
        who = f"{self.run} promoted {here.site}"
        if left.writable and not world.by_hand:
            world.breaks([f"{who} while {left.site} is writable"])
        if not (left.fenced or world.by_hand or world.stated):
            world.breaks([f"{who} while {left.site} is not fenced: {left}"])
        if self.session not in here.locks.values():
            holders = [holder.run for holder in here.locks.values()]
            world.breaks([f"{who} without the lease, which {holders} has"])
        lost = world.lost_seconds(here.site)
        if lost > RPO_SECONDS + 2.0 and not (world.by_hand or world.clock_moved):
            world.breaks([f"{who} and lost {lost:g} s of orders"])

    def _reach(self) -> None:
        if self.session_is_lost():
            self._broken = True
            raise Unreachable(f"postgresql {self.target}", "the session is lost")
        super()._reach()

    def session_is_lost(self) -> bool:
        if not hasattr(self, "session"):
            return False
        gone = self._broken or self.session not in self.server.sessions
        return gone or not self.world.answers(self.machine, self.server.site)

    @property
    def _servers(self) -> list[Server]:
        return list(self.world.servers.values())


class SimHost(PostgresqlHostHands):
    """A server's host over SSH."""

    def __init__(self, target: str, context: SimContext) -> None:
        self.target, self.context, self.sim = target, context, context
        self.world, self.machine = context.world, context.machine
        self.server = context.world.servers[target.partition(".")[0]]

    def close(self) -> None:
        pass

    def state(self, *, wal: bool = False, seconds: float = 5.0) -> HostState:
        del wal, seconds
        self.sim.stage.pause()
        return self._state()

    def stop(
        self, identity: str, note: str, drain: float, *, kill: bool, seconds: float | None = None
    ) -> HostState:
        """Write ``standby.signal``, stop."""
        del identity, note, drain, kill, seconds
        self._reach()
        server = self.server
        changed = server.running or not server.signal
        server.signal = True
        was_primary = not server.recovery
        if not (server.running and server.recovery):  # a standby by now: harmless
            self.world.stop(server, clean=True)
        if changed:
            what = "fence" if was_primary else "signal"
            self.world.note(self.machine, self.sim.run, what, server.site)
        return self._state()

    def _state(self) -> HostState:
        self._reach()
        server = self.server
        stops = [at for at, record in enumerate(server.wal) if record.kind == "stop"]
        if server.running:
            state = IN_ARCHIVE_RECOVERY if server.recovery else IN_PRODUCTION
        elif server.clean:
            state = SHUT_DOWN_IN_RECOVERY if server.recovery else SHUT_DOWN
        else:
            state = IN_ARCHIVE_RECOVERY if server.recovery else IN_PRODUCTION
        checkpoint = RECORD_BYTES * (stops[-1] if stops else 0)
        return HostState(
            place=self.target,
            data_directory="/srv/pg",
            directory="/srv/pg",
            mode="700",
            processes=(ServerProcess(pid=1, parent=0, state="S"),) if server.running else (),
            postmaster=1 if server.running else None,
            standby_signal=server.signal,
            control=Control(
                system_identifier=IDENTIFIER,
                state=state,
                checkpoint=checkpoint,
                redo=checkpoint,
                timeline=server.timeline,
            ),
        )

    def _reach(self) -> None:
        if not (self.server.powered and self.world.linked(self.machine, self.server.site)):
            raise Unreachable(f"host of {self.target}", "does not answer")


class SimPower(PowerHands):
    """A machine's power controller."""

    def __init__(self, target: str, context: SimContext) -> None:
        self.sim, self.world, self.machine = context, context.world, context.machine
        self.server = context.world.servers[target.partition("_")[0]]

    def close(self) -> None:
        pass

    def state(self) -> PowerState:
        self._reach()
        power = "On" if self.server.powered else "Off"
        return PowerState(system="1", power=power, restore_policy=self.server.policy)

    def reset(self, kind: str) -> None:
        self._reach()
        if kind == "ForceOff" and self.server.powered:
            self.world.power(self.server, on=False)
            self.world.note(self.machine, self.sim.run, "power off", self.server.site)

    def set_restore_policy(self, policy: str) -> None:
        self._reach()
        if self.server.policy != policy:
            self.server.policy = policy
            self.world.note(self.machine, self.sim.run, f"policy {policy}", self.server.site)

    def _reach(self) -> None:
        if not self.world.linked(self.machine, self.server.site):
            raise Unreachable(f"controller of {self.server.site}", "does not answer")


class SimZone(ZoneHands):
    """All name servers of the zone."""

    def __init__(self, context: SimContext, *, writes: bool) -> None:
        self.sim, self.world, self._writes = context, context.world, writes
        self.zone, self.min_servers = "test", 1

    def close(self) -> None:
        pass

    def check_keys(self) -> None:
        pass

    def answers(self, name: str, rdtype: str = "A") -> tuple[ServerSays, ...]:
        del name, rdtype
        if not self._writes:
            self.sim.stage.pause()
        return tuple(
            ServerSays(server=server, site=site, values=self.world.names[server])
            if self.world.serves(self.sim.machine, server)
            else ServerSays(server=server, site=site, trouble="does not answer")
            for server, site in NAME_SERVERS.items()
        )

    def replace(self, moves: Sequence[Move]) -> None:
        """Each with the server's own value as its prerequisite."""
        refused = []
        for move in moves:
            if not self.world.serves(self.sim.machine, move.server):
                continue
            was = self.world.names[move.server]
            if was != move.old.values:
                refused.append(move.server)
                continue
            if not set(was) <= set(ADDRESS.values()):
                self.world.breaks([f"{self.sim.run} changed {move.server}, which says {was}"])
            self.world.rename(move.server, move.values)
            self.world.note(self.sim.machine, self.sim.run, f"name {move.values}", move.server)
        if refused:
            raise StepFailed(f"dns server {', '.join(refused)}", "its value changed meanwhile")


class SimConnections(Connections):
    """Connections to the world; the same one for the same kind and target."""

    def __init__(self, context: SimContext) -> None:
        super().__init__(context)
        self.sim = context
        self._made: dict[tuple[type[Reader], str], Reader] = {}

    def get(self, kind: type[R], target: str) -> R:
        key = (kind, target)
        if key not in self._made:
            self._made[key] = self._open_one(kind, target)
        return cast("R", self._made[key])

    def opened(self, kind: type[R], target: str) -> R | None:
        return cast("R | None", self._made.get((kind, target)))

    def drop(self, kind: type[Reader], target: str) -> None:
        gone = self._made.pop((kind, target), None)
        if gone is not None:
            gone.close()

    def _open_one(self, kind: type[Reader], target: str) -> Any:
        match kind:
            case _ if kind is PostgresqlReader:
                return SimReader(target, self.sim)
            case _ if kind is PostgresqlSession:
                return SimSession(target, self.sim)
            case _ if kind in {PostgresqlHostReader, PostgresqlHostHands}:
                return SimHost(target, self.sim)
            case _ if kind in {PowerReader, PowerHands}:
                return SimPower(target, self.sim)
            case _ if kind in {ZoneReader, ZoneHands}:
                return SimZone(self.sim, writes=kind is ZoneHands)
            case _ if kind is ResolversReader:  # the inventory has none
                return kind.open(target, self.sim)
            case _:
                msg = f"nothing in the world is a {kind.__name__}"
                raise AssertionError(msg)
