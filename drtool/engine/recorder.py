"""The one place where a run's events are written, folded and told."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from queue import SimpleQueue

from drtool.clock import Clock
from drtool.engine.ports import JournalPort, Listener
from drtool.errors import JournalUnusable
from drtool.model.event import Body, Event, Instant, StatementMade
from drtool.model.proof import Proof, Statement
from drtool.model.steering import StepDirected
from drtool.progress.run_state import Consent, RunState, StepState
from drtool.progress.state import Folder


class Audience:
    """Tells every event to every listener, each on a thread of its own.

    A listener that raises is told nothing more; one that hangs is left behind.
    """

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self._listeners = tuple(listeners)
        self._queues: list[SimpleQueue[Event | None]] = []
        self._threads: list[threading.Thread] = []
        for listener in self._listeners:
            queue: SimpleQueue[Event | None] = SimpleQueue()
            thread = threading.Thread(
                target=_follow, args=(listener, queue), name="listener", daemon=True
            )
            thread.start()
            self._queues.append(queue)
            self._threads.append(thread)

    def tell(self, events: Iterable[Event]) -> None:
        """Hand the events over; returns at once."""
        for event in events:
            for queue in self._queues:
                queue.put(event)

    def dismiss(self, clock: Clock, seconds: float) -> None:
        """Let the listeners hear the rest, for at most that long in all."""
        end = clock.monotonic() + seconds
        for queue in self._queues:
            queue.put(None)
        for thread in self._threads:
            thread.join(max(0.0, end - clock.monotonic()))

    def accounts(self, clock: Clock, seconds: float) -> tuple[str, ...]:
        """Let the listeners hear the rest; what they could not pass on, all in that time."""
        end = clock.monotonic() + seconds
        self.dismiss(clock, seconds)
        lines: list[str] = []
        for listener in self._listeners:
            try:
                lines += listener.account(max(0.0, end - clock.monotonic()))
            except Exception as error:  # noqa: BLE001 - as in _follow
                lines.append(f"{type(listener).__name__}: {type(error).__name__}: {error}")
        return tuple(lines)


def _follow(listener: Listener, queue: SimpleQueue[Event | None]) -> None:
    while (event := queue.get()) is not None:
        try:
            listener.hear(event)
        except Exception:  # noqa: BLE001 - nothing that a listener does may reach the run
            return


class Recorder:
    """Writes events, keeps the fold up to date, and tells the audience; safe from all threads.

    After the first failure to write, every further write raises the same JournalUnusable: the
    run must not go on without a record, nor beside another engine that writes it.
    """

    def __init__(self, run: str, journal: JournalPort, clock: Clock, audience: Audience) -> None:
        self.run = run
        self._journal, self._clock, self._audience = journal, clock, audience
        self._lock = threading.Lock()
        self._folder = Folder()
        self._broken: JournalUnusable | None = None

    def restore(self, events: Iterable[Event]) -> None:
        """Take up what an earlier engine wrote; nobody is told again."""
        with self._lock:
            for event in events:
                self._folder.apply(event)

    def write(self, *bodies: Body) -> None:
        """Write events in one commit; they are durable when this returns."""
        with self._lock:
            if self._broken is not None:
                raise self._broken
            last = self._folder.last
            try:
                events = self._journal.append(self.run, *bodies, after=last.seq if last else 0)
            except JournalUnusable as error:
                self._broken = error
                raise
            for event in events:
                self._folder.apply(event)
            self._audience.tell(events)

    def state(self) -> RunState:
        """What the events add up to; costs a pass over the steps."""
        with self._lock:
            return self._folder.state

    def step(self, name: str) -> StepState:
        """How one step stands."""
        return self._folder.steps[name]

    @property
    def steps(self) -> Mapping[str, StepState]:
        """How the steps stand, live; its keys never change once the run has started."""
        return self._folder.steps

    @property
    def proven(self) -> tuple[str, ...]:
        """The steps that gave proofs."""
        return self._folder.proving()

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """All proofs so far."""
        return self._folder.proofs()

    @property
    def consents(self) -> tuple[Consent, ...]:
        """All questions to people, with their answers."""
        return tuple(self._folder.consents)

    @property
    def paused(self) -> bool:
        """Whether a person has paused the run."""
        return self._folder.steered.paused

    def left_out(self, name: str) -> StepDirected | None:
        """Who wants a step left out, if anybody does."""
        return self._folder.steered.left_out(name)

    def statement(self, fence: str) -> Statement | None:
        """The last word that a person gave of what this very step fences."""
        statements: list[StatementMade] = self._folder.statements
        return next((one.statement for one in reversed(statements) if one.step == fence), None)

    def now(self) -> Instant:
        """This moment, as events bear it."""
        return Instant.now(self._clock)
