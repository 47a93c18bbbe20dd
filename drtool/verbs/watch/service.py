"""The watch itself: look, tell what is new, start what was allowed, again and again."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from drtool.bootstrap import App, build
from drtool.errors import BadInput, DrtoolError, JournalUnusable
from drtool.runbook.load import Loaded, load
from drtool.runbook.mapping import did_you_mean
from drtool.units import Duration
from drtool.verbs.records import list_runs
from drtool.verbs.watch.automatic import Automaton, Start, start_apart
from drtool.verbs.watch.findings import About, Finding, News, What, news
from drtool.verbs.watch.memory import recalled, remember
from drtool.verbs.watch.runs import SCOPE, findings_of_runs
from drtool.verbs.watch.services import ServiceWatch
from drtool.verbs.watch.telling import Telling

HERE = "here"
RECORDS = "records"
AGAIN = Duration(3600)
EVERY, PATIENCE = Duration(5), Duration(600)
LEAVE_SECONDS = 60.0
_GRAVER = {About.SUSPICION: About.OUTAGE, About.BLIND: About.SUSPICION}


@dataclass(frozen=True)
class WatchOptions:
    """How to watch: from which ``place``, how often, how patient with people who are asked."""

    place: str = HERE
    every: Duration = EVERY
    patience: Duration = PATIENCE
    once: bool = False


class Watch:
    """Looks at this journal's runs and at services; ``look`` gives what is news.

    Nothing is ever started by a single look: ``once`` keeps from it, and an outage has to be seen
    for the whole hold-down by one and the same watch.
    """

    def __init__(
        self,
        app: App,
        loaded: Iterable[Loaded],
        options: WatchOptions,
        start: Start = start_apart,
    ) -> None:
        self._app, self._options = app, options
        self.services = tuple(
            ServiceWatch(
                one, app.connections(one.inventory, one.directory, "watch"), app.clock,
                options.place,
            )
            for one in loaded
        )  # fmt: skip
        self._automata = tuple(
            Automaton(watch, watch.service.automatic.failover, start)
            for watch in self.services
            if watch.service.automatic is not None and not options.once
        )
        self.memory = recalled(app.home)
        self.findings: tuple[Finding, ...] = ()

    def look(self) -> tuple[News, ...]:
        """Look at everything once; what is new, what lasts too long, what is over."""
        found: list[Finding] = []
        for watch in self.services:
            watch.look()
            found += watch.findings(at_once=self._options.once)
        now = self._app.clock.wall()
        scopes = [RECORDS, *(watch.scope for watch in self.services)]
        try:
            found += self._of_runs(now)
            scopes.append(SCOPE)
        except DrtoolError as error:
            found.append(_without_records(error))
        self.findings = tuple(found)
        before = self.memory
        self.memory, told = news(before, found, scopes, now, AGAIN)
        if self.memory != before:
            self._remember()
        return tuple(one for one in told if not self._outgrown(one))

    def _of_runs(self, now: datetime) -> list[Finding]:
        """What the journal says, and what is started on its word; without it nothing is."""
        summaries = list_runs(self._app).runs
        found = list(findings_of_runs(self._app, now, self._options.patience))
        for automaton in self._automata:
            done = automaton.act(summaries, now)
            found += [done] if done else []
        return found

    def _remember(self) -> None:
        """Keep what people know; a disk that is full costs only a repetition."""
        with suppress(JournalUnusable):
            remember(self._app.home, self.memory)

    def _outgrown(self, one: News) -> bool:
        """Whether what is over has only become worse, or was done and stays done."""
        if one.what is What.OVER and one.finding.about is About.AUTOMATIC:
            return True
        worse = _GRAVER.get(one.finding.about)
        return one.what is What.OVER and any(
            finding.service == one.finding.service and finding.about is worse
            for finding in self.findings
        )

    def close(self) -> None:
        """End all connections."""
        for watch in self.services:
            watch.close()


def watch(
    runbooks: Iterable[Path],
    inventory: Path | None,
    options: WatchOptions,
    say: Callable[[str], None],
    show: Callable[[News], None],
) -> int:
    """Watch until SIGTERM or SIGINT, or look once; the exit code.

    ``show`` gets what is new, ``say`` what is to be known besides. Raises Faults for a faulty
    document, BadInput for a service without signals.
    """
    app = build()
    loaded = [_loaded(path, inventory, app, options.place) for path in runbooks]
    made = Watch(app, loaded, options)
    for service in made.services:
        _must_see_enough(service)
    telling = Telling(app, {one.runbook.service: one for one in loaded}, say)
    stop = threading.Event()
    if not options.once:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    for sentence in _beginning(made, app, once=options.once):
        say(sentence)
    try:
        while not stop.is_set():
            for one in made.look():
                show(one)
                telling.tell(one)
            if options.once:
                return 1 if made.findings else 0
            stop.wait(options.every.seconds)
        return 0
    finally:
        telling.close(LEAVE_SECONDS if options.once else 2.0)
        made.close()


def _without_records(error: DrtoolError) -> Finding:
    """The journal cannot be read: runs are not watched, and nothing is started by itself."""
    return Finding(
        key="records",
        scope=RECORDS,
        about=About.RECORDS,
        service="",
        text=f"runs cannot be watched: {error.line()}",
        commands=(error.hint,) if error.hint.startswith("drtool") else (),
    )


def _loaded(path: Path, inventory: Path | None, app: App, place: str) -> Loaded:
    loaded = load(path, inventory, app.catalog, {})
    name, sites = loaded.runbook.service, loaded.inventory.sites
    if place not in {HERE, *sites}:
        known = ", ".join(sites)
        raise BadInput(f"--site {place}", "is no site", known, did_you_mean(place, sites))
    if not loaded.inventory.services[name].signals:
        raise BadInput(
            f"service {name}",
            f"{loaded.inventory_source} names no signals of it",
            "two at least, seen from two places",
            f"services.{name}.signals: [{{http: URL}}, {{heartbeat: SITE.SYSTEM}}]",
        )
    return loaded


def _must_see_enough(watch: ServiceWatch) -> None:
    """Raise BadInput where a failover is allowed to begin by itself and never could."""
    if watch.service.automatic is None or len(watch.places) > 1:
        return
    raise BadInput(
        f"service {watch.name}",
        f"all its signals look from {watch.places[0]}, so that no failover could begin by itself",
        "signals from two places",
        "a signal with from_host at another site; no --site where this machine is at none",
    )


def _beginning(made: Watch, app: App, *, once: bool) -> Iterable[str]:
    """What is watched, and what may happen by itself."""
    yield f"watching the runs in {app.home}"
    for one in made.services:
        signals = ", ".join(map(str, one.service.signals))
        automatic = one.service.automatic
        yield f"watching {one.name}: {signals}; an outage is what lasts {one.service.hold_down}"
        if len(one.places) == 1:
            yield f"no outage of {one.name} can be told: all its signals look from {one.places[0]}"
        if automatic is None:
            yield f"nothing is started by itself for {one.name}"
        else:
            allowed = automatic.failover
            how = "would be started by a watch that goes on" if once else "is started by itself"
            yield (
                f"a FAILOVER of {one.name} {how}: {allowed.allowed_by} allowed "
                f"{allowed.runbook}, once in {allowed.at_most_once_in}"
            )
