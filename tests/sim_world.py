"""Two sites, their servers, names and clients, in memory; what was done to them, and by whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sim_stage import Stage

START = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
EAST, WEST = "east", "west"
SITES = (EAST, WEST)
ADDRESS = {EAST: "192.0.2.1", WEST: "192.0.2.2"}
NAME_SERVERS = {"ns_east": EAST, "ns_west": WEST}
IDENTIFIER = "7412"
RECORD_BYTES = 100
KEEPALIVE_SECONDS = 15.0
RPO_SECONDS = 10.0


def other(site: str) -> str:
    return WEST if site == EAST else EAST


@dataclass(frozen=True)
class Record:
    """One record of a WAL; ``kind`` is order, beat, stop or promoted."""

    number: int
    kind: str
    at: float
    line: int


@dataclass
class Session:
    """A session with a server, as the server sees it."""

    machine: str
    run: str
    token: str
    since: datetime
    name: str = ""
    gone_since: float | None = None


@dataclass
class Server:
    """A PostgreSQL server with its machine; ``wal`` is all that it has, ``line`` its timeline.

    ``guarded`` says that its machine was started anew: the boot guard starts it as a standby only.
    """

    site: str
    recovery: bool
    powered: bool = True
    running: bool = True
    policy: str = "LastState"
    signal: bool = False
    guarded: bool = False
    clean: bool = False
    timeline: int = 1
    follows: bool = False
    started: float = 0.0
    wal: list[Record] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    locks: dict[int, Session] = field(default_factory=dict)

    @property
    def writable(self) -> bool:
        return self.powered and self.running and not self.recovery

    @property
    def position(self) -> int:
        return RECORD_BYTES * len(self.wal)

    @property
    def fenced(self) -> bool:
        """Whether it cannot write, and cannot by being started again."""
        if self.writable:
            return False
        return self.signal or (not self.powered and self.policy == "AlwaysOff")


@dataclass(frozen=True)
class Effect:
    """Something that a run of ours did to the world."""

    at: float
    machine: str
    run: str
    what: str
    site: str = ""


class SimWorld:
    """The world, and what an omniscient judge writes down of it.

    ``broken`` are promises that an effect broke at the moment it was made. ``by_hand`` says that
    a person has made a second primary: what comes of that is not ours.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.servers = {EAST: Server(EAST, recovery=False), WEST: Server(WEST, recovery=True)}
        self.servers[WEST].follows = True
        self.servers[WEST].signal = True
        self.names: dict[str, tuple[str, ...]] = dict.fromkeys(NAME_SERVERS, (ADDRESS[EAST],))
        self.serials: dict[str, int] = dict.fromkeys(NAME_SERVERS, 1)
        self.down: set[str] = set()
        self.cut: set[frozenset[str]] = set()
        self.lagging = False
        self.acknowledged: list[tuple[Record, str]] = []
        self.effects: list[Effect] = []
        self.broken: list[str] = []
        self.by_hand = self.stated = self.clock_moved = False
        self.died_at: float | None = None
        self.scripts: dict[str, str] = {}
        self.prepared: dict[str, str] = dict.fromkeys(SITES, "no")
        self._numbers, self._lines = 0, 1
        for _ in range(3):
            self.client_writes()

    # what a judge sees

    @property
    def writable(self) -> list[str]:
        return [site for site, server in self.servers.items() if server.writable]

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.stage.now)

    def linked(self, one: str, another: str) -> bool:
        """Whether two of the machines and sites reach one another."""
        return frozenset((one, another)) not in self.cut

    def answers(self, machine: str, site: str) -> bool:
        """Whether a site's server answers a machine."""
        server = self.servers[site]
        return server.powered and server.running and self.linked(machine, site)

    def serves(self, machine: str, name_server: str) -> bool:
        """Whether a name server answers a machine."""
        site = NAME_SERVERS[name_server]
        up = name_server not in self.down and self.servers[site].powered
        return up and self.linked(machine, site)

    def state(self) -> tuple[object, ...]:
        """What is the same after an undisturbed run and after a resumed one."""
        return (
            tuple(
                (s.site, s.writable, s.recovery, s.powered, s.running, s.signal, s.policy,
                 s.timeline, s.follows)
                for s in self.servers.values()
            ),
            tuple(sorted(self.names.items())),
            tuple(sorted(self.prepared.items())),
            tuple(sorted(self.scripts)),
        )  # fmt: skip

    # time and clients

    def tick(self, seconds: float = 1.0) -> None:
        """A second passes: a heartbeat, an order, replication, keepalives."""
        self.stage.now += seconds
        self.client_writes()
        for server in self.servers.values():
            for session in tuple(server.sessions):
                self._keep_alive(server, session)

    def client_writes(self) -> str | None:
        """An order through the service's name; the site that acknowledged it."""
        for site in self.writable:
            self._append(self.servers[site], "beat")
        found = None
        for name, values in self.names.items():
            if self.serves("client", name) and values:
                found = next((site for site in SITES if ADDRESS[site] == values[0]), None)
                break
        accepted = found if found is not None and self.answers("client", found) else None
        if accepted is not None and self.servers[accepted].writable:
            record = self._append(self.servers[accepted], "order")
            self.acknowledged.append((record, accepted))
        else:
            accepted = None
        self.stream()
        return accepted

    def stream(self) -> None:
        """What a standby receives of its primary, unless it lags or is cut off."""
        if self.lagging or not self.linked(EAST, WEST):
            return
        for server in self.servers.values():
            source = self.servers[other(server.site)]
            follows = server.running and server.powered and server.recovery and server.follows
            if not (follows and source.running and source.powered and self.shares(server, source)):
                continue
            server.wal = list(source.wal)
            server.timeline = max(server.timeline, source.timeline)

    def streams(self, site: str) -> bool:
        server, source = self.servers[site], self.servers[other(site)]
        follows = server.running and server.powered and server.recovery and server.follows
        linked = self.linked(EAST, WEST) and source.writable
        return bool(follows and linked and self.shares(server, source))

    @staticmethod
    def shares(server: Server, source: Server) -> bool:
        """Whether all that a server has is the beginning of what the source has."""
        return server.wal == source.wal[: len(server.wal)]

    def _append(self, server: Server, kind: str) -> Record:
        self._numbers += 1
        record = Record(self._numbers, kind, self.stage.now, server.timeline)
        server.wal.append(record)
        return record

    def _keep_alive(self, server: Server, session: Session) -> None:
        if self.linked(session.machine, server.site) and session.gone_since is None:
            return
        session.gone_since = session.gone_since or self.stage.now
        if self.stage.now - session.gone_since >= KEEPALIVE_SECONDS:
            self.end_session(server, session)

    def end_session(self, server: Server, session: Session) -> None:
        if session in server.sessions:
            server.sessions.remove(session)
        for key in [key for key, holder in server.locks.items() if holder is session]:
            del server.locks[key]

    def end_sessions_of(self, machine: str) -> None:
        """A process has ended: its servers notice at once where they can be reached."""
        for server in self.servers.values():
            for session in tuple(server.sessions):
                if session.machine != machine:
                    continue
                if self.linked(machine, server.site):
                    self.end_session(server, session)
                else:
                    session.gone_since = session.gone_since or self.stage.now

    # what happens to a server, whoever does it

    def start(self, server: Server) -> None:
        """Start the server: as a standby with its signal, as a primary without."""
        server.running, server.recovery, server.started = True, server.signal, self.stage.now
        server.clean = False
        self.stream()

    def stop(self, server: Server, *, clean: bool) -> None:
        """Stop it; a clean stop lets its standby have the shutdown checkpoint."""
        if not server.running:
            return
        if clean:
            if not server.recovery:
                self._append(server, "stop")
            self.stream()
        server.running, server.clean = False, clean
        server.sessions.clear()
        server.locks.clear()

    def promote(self, server: Server) -> None:
        server.recovery = server.signal = server.follows = False
        self._lines = max(self._lines, server.timeline) + 1
        server.timeline = self._lines
        self._append(server, "promoted")

    def power(self, server: Server, *, on: bool) -> None:
        """Cut a machine's power, or give it back and let the boot guard decide."""
        if not on:
            self.stop(server, clean=False)
            server.powered = False
            return
        if server.powered:
            return
        server.powered, server.guarded = True, True
        for name, site in NAME_SERVERS.items():
            if site == server.site:
                self.transfer(name)
        if server.signal:
            self.start(server)

    def transfer(self, name: str) -> None:
        """A name server that returns takes a newer zone from its peer before it answers."""
        for peer in self.names:
            serves = peer not in self.down and self.servers[NAME_SERVERS[peer]].powered
            if serves and self.serials[peer] > self.serials[name]:
                self.names[name], self.serials[name] = self.names[peer], self.serials[peer]

    def rename(self, name: str, values: tuple[str, ...]) -> None:
        """Change a name at one server."""
        self.names[name] = values
        self.serials[name] = max(self.serials.values()) + 1

    # what is lost

    def lost_seconds(self, site: str) -> float:
        """The time between the last order that a site has and the last one that it has not."""
        has = {record.number for record in self.servers[site].wal}
        known = [record for record, _ in self.acknowledged]
        lost = [record.at for record in known if record.number not in has]
        if not lost:
            return 0.0
        kept = [record.at for record in self.servers[site].wal]
        return max(lost) - max(kept, default=0.0)

    def note(self, machine: str, run: str, what: str, site: str = "") -> Effect:
        """Write an effect down, and whose it should have been."""
        holders = [one for server in self.servers.values() for one in server.locks.values()]
        if holders and all(one.machine != machine for one in holders):
            rivals = ", ".join(one.run for one in holders)
            self.breaks([f"5: {run} did {what} while {rivals} holds the lease"])
        effect = Effect(self.stage.now, machine, run, what, site)
        self.effects.append(effect)
        return effect

    def of_run(self, run: str) -> list[Effect]:
        return [effect for effect in self.effects if effect.run == run]

    def breaks(self, found: Iterable[str]) -> None:
        self.broken += found
