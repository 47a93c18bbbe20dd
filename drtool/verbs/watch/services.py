"""What the signals of one service come to, look by look."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from drtool.clock import Clock
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Connections
from drtool.connections.sighting import look, place_of
from drtool.errors import DrtoolError
from drtool.model.event import Instant
from drtool.model.inventory import Served, Service
from drtool.model.replication import Replication
from drtool.model.signals import Signal
from drtool.progress.commands import documents
from drtool.runbook.load import Loaded
from drtool.safety.outage import (
    Outlook,
    Saying,
    Sighting,
    Verdict,
    Word,
    heard,
    judge,
    reason_two_primaries,
)
from drtool.verbs.preflight import Call
from drtool.verbs.watch.findings import About, Finding

LOOK_SECONDS = 8.0
SUSPICIOUS_SECONDS = 15.0  # a look that failed once is no news
_TITLES = {
    Word.OUTAGE: (About.OUTAGE, "is OUT"),
    Word.SUSPECTED: (About.SUSPICION, "may be out"),
    Word.BLIND: (About.BLIND, "cannot be seen by any signal"),
}


class ServiceWatch:
    """Looks at one service and remembers what its signals have said; ``here`` is our place."""

    def __init__(self, loaded: Loaded, connections: Connections, clock: Clock, here: str) -> None:
        self.loaded, self._connections = loaded, connections
        self._clock, self._here = clock, here
        self.name = loaded.runbook.service
        self.verdict = Verdict(word=Word.BLIND, reason="no signal has looked yet")
        self.split_brain: str | None = None
        self._outlook = Outlook()
        self._odd_since: Instant | None = None

    @property
    def service(self) -> Service:
        """The service as the inventory has it."""
        return self.loaded.inventory.services[self.name]

    @property
    def places(self) -> tuple[str, ...]:
        """Where its signals look from; an outage takes two."""
        found = (place_of(one, self.loaded.inventory, self._here) for one in self.service.signals)
        return tuple(dict.fromkeys(found))

    @property
    def scope(self) -> str:
        """What has been looked at after a look."""
        return f"service {self.name}"

    def look(self) -> None:
        """Let every signal look, side by side, and judge what they say together."""
        calls = [(signal, self._call(signal)) for signal in self.service.signals]
        systems = [Call(target, self._reading(target)) for target in self._systems()]
        began = self._now()
        seen = [self._sighting(signal, call, began) for signal, call in calls]
        roles = [call.result(LOOK_SECONDS) for call in systems]
        self.split_brain = reason_two_primaries(
            one for one in roles if isinstance(one, Replication)
        )
        self._outlook = heard(self._outlook, seen)
        self.verdict = judge(self._outlook, self._now(), self.service.hold_down)
        if self.verdict.word is Word.WELL:
            self._odd_since = None
        elif self._odd_since is None:
            self._odd_since = began

    def findings(self, *, at_once: bool = False) -> Iterator[Finding]:
        """What there is to tell; a suspicion only when it lasts, unless it is wanted at once."""
        if self.split_brain is not None:
            yield self._finding(About.SPLIT_BRAIN, f"{self.name}: {self.split_brain}", ())
        if self.verdict.word is Word.WELL or not (at_once or self._lasts()):
            return
        about, title = _TITLES[self.verdict.word]
        since = self.verdict.since
        when = f" since {since:%H:%M:%S}Z ({self.verdict.source})" if since else ""
        text = f"{self.name} {title}{when}: {self.verdict.reason}"
        yield self._finding(about, text, self._commands())

    def close(self) -> None:
        """End all connections."""
        self._connections.close()

    def _finding(self, about: About, text: str, commands: tuple[str, ...]) -> Finding:
        return Finding(
            key=f"{about.value} {self.name}",
            scope=self.scope,
            about=about,
            service=self.name,
            since=self.verdict.since,
            text=text,
            commands=commands,
        )

    def _lasts(self) -> bool:
        if self.verdict.word is Word.OUTAGE:
            return True
        began = self._odd_since
        return began is not None and (self._now().monotonic - began.monotonic >= SUSPICIOUS_SECONDS)

    def _commands(self) -> tuple[str, ...]:
        """What a person may type: first a look, then the failover, with the outage's clock."""
        if self.verdict.since is None:
            return ()
        loaded = self.loaded
        named = documents(loaded.source, loaded.inventory_source, loaded.parameters)
        since = self.verdict.since.isoformat(timespec="seconds").replace("+00:00", "Z")
        words = shlex.join(["drtool", "failover", *named, "--outage-since", since])
        return (f"{words} --dry-run", words)

    def _systems(self) -> list[str]:
        """The first database of each site: its role tells a split brain."""
        sites = self.loaded.inventory.sites
        return [
            f"{site}.{name}"
            for site, at in sites.items()
            for name in [name for name, one in at.systems.items() if isinstance(one, Served)][:1]
        ]

    def _reading(self, target: str) -> _Reading:
        return _Reading(self._connections, target)

    def _call(self, signal: Signal) -> Call[tuple[Saying, str]]:
        return Call(str(signal), lambda: look(signal, self._connections))

    def _sighting(self, signal: Signal, call: Call[tuple[Saying, str]], began: Instant) -> Sighting:
        said = call.result(LOOK_SECONDS)
        late = (Saying.BLIND, f"cannot say: no answer within {LOOK_SECONDS:g} s")
        saying, text = late if isinstance(said, DrtoolError) else said
        place = place_of(signal, self.loaded.inventory, self._here)
        return Sighting(signal=str(signal), place=place, saying=saying, text=text, at=began)

    def _now(self) -> Instant:
        # what a machine slept through was seen by nobody: it is no part of a hold-down
        return Instant.now(self._clock)


class _Reading:
    """One read of a database's role and timeline."""

    def __init__(self, connections: Connections, target: str) -> None:
        self._connections, self._target = connections, target

    def __call__(self) -> Replication:
        return self._connections.get(PostgresqlReader, self._target).replication()
