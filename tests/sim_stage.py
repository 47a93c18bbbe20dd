"""A stage: threads of several processes take turns, in virtual time, always in the same order.

Each thread is a greenlet. It runs until it waits, sleeps, looks at the world or passes a crash
point; then a test says which process runs on, or that one ends there as by SIGKILL. Nothing
sleeps, and the same turns end in the same world.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty
from types import SimpleNamespace
from typing import Any, Self

import greenlet  # type: ignore[import-untyped] # SQLAlchemy brings it


class Killed(BaseException):
    """Raised in every thread of a process that has ended; nothing it does reaches the world."""


@dataclass
class Process:
    """A process on a machine; ``crash_at`` is where it ends, ``passed`` the places it passed."""

    name: str
    alive: bool = True
    over: bool = False
    crash_at: Callable[[str], bool] | None = None
    passed: list[str] = field(default_factory=list)
    threads: deque[SimThread] = field(default_factory=deque)
    error: BaseException | None = None
    run: str = ""

    @property
    def runs(self) -> bool:
        """Whether anything of it is left."""
        return self.alive and not self.over


class Stage:
    """Gives turns to processes; ``now`` are the seconds that have passed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.current: SimThread | None = None
        self.hub = greenlet.getcurrent()

    @property
    def process(self) -> Process | None:
        """Whose turn it is; None between turns."""
        return self.current.process if self.current else None

    def begin(self, name: str, main: Callable[[], object]) -> Process:
        """A new process that waits for its first turn; it is over when ``main`` returns."""
        process = Process(name)

        def run() -> None:
            try:
                main()
            finally:
                process.over = True

        SimThread(self, target=run, process=process).start()
        return process

    def turn(self, process: Process) -> bool:
        """Let one of its threads run until it pauses; False when none can run now."""
        for _ in range(len(process.threads)):
            thread = process.threads[0]
            process.threads.rotate(-1)
            if thread.ready(self.now):
                self._switch(thread)
                if not process.runs:
                    self.end(process)
                return True
        return False

    def wakes(self, process: Process) -> float | None:
        """When the next of its threads wakes by time alone."""
        times = [thread.until for thread in process.threads if thread.until is not None]
        return min(times, default=None)

    def pause(self, ready: Callable[[], bool] | None = None, until: float | None = None) -> None:
        """Let others have a turn, until something holds or a moment has come."""
        me = self.current
        if me is None:
            return
        if not me.process.alive:
            raise Killed
        me.condition, me.until = ready, until
        self.hub.switch()
        me.condition = me.until = None
        if not me.process.alive:
            raise Killed

    def end(self, process: Process) -> None:
        """The process ends where it is: what its threads still do is refused to them."""
        process.alive = False
        for thread in tuple(process.threads):
            for _ in range(50):
                if thread.let is None or thread.let.dead:
                    break
                self._switch(thread, Killed())
            else:
                msg = f"a thread of {process.name} does not end: {thread.name}"
                raise AssertionError(msg)
        process.threads.clear()

    def passes(self, name: str) -> None:
        """A crash point: note it, end there, or let others have a turn."""
        process = self.process
        if process is None:
            return
        if not process.alive:
            raise Killed
        process.passed.append(name)
        if process.crash_at is not None and process.crash_at(name):
            process.alive = False
            raise Killed
        if not name.startswith("journal."):  # its file is locked: real processes wait, too
            self.pause()

    def _switch(self, thread: SimThread, error: BaseException | None = None) -> None:
        before, self.current = self.current, thread
        try:
            if error is None:
                thread.let.switch()
            else:
                with suppress(Killed):  # one that never had a turn
                    thread.let.throw(error)
        finally:
            self.current = before
        if thread.let.dead and thread in thread.process.threads:
            thread.process.threads.remove(thread)


class SimThread:
    """A thread of a process on the stage, with the methods of ``threading.Thread`` in use."""

    def __init__(
        self,
        stage: Stage,
        *,
        target: Callable[..., object] | None = None,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        name: str = "",
        daemon: bool = True,
        process: Process | None = None,
    ) -> None:
        owner = process or stage.process
        assert owner is not None, "only a process begins threads"
        self._stage, self.process, self.name, self.daemon = stage, owner, name, daemon
        self._call: Callable[[], object] = lambda: (
            target(*args, **(kwargs or {})) if target else None
        )
        self.let: Any = None
        self.condition: Callable[[], bool] | None = None
        self.until: float | None = None

    def start(self) -> None:
        """Wait for the first turn."""
        self.let = greenlet.greenlet(self._run, parent=self._stage.hub)
        self.process.threads.append(self)

    def ready(self, now: float) -> bool:
        """Whether it can run on."""
        if self.condition is None and self.until is None:
            return True
        return (self.condition is not None and self.condition()) or (
            self.until is not None and now >= self.until
        )

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended."""
        until = None if timeout is None else self._stage.now + timeout
        if self.is_alive():
            self._stage.pause(lambda: not self.is_alive(), until)

    def is_alive(self) -> bool:
        """Whether it has begun and not ended."""
        return self.let is not None and not self.let.dead

    def _run(self) -> None:
        try:
            self._call()
        except Killed:
            return
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.process.error = self.process.error or error


class SimEvent:
    """As ``threading.Event``."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._set = stage, False

    def set(self) -> None:
        self._set = True

    def clear(self) -> None:
        self._set = False

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set:
            until = None if timeout is None else self._stage.now + timeout
            self._stage.pause(self.is_set, until)
        return self._set


class SimLock:
    """As ``threading.Lock``, and as an RLock for its holder."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._holder: object | None = None
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        del timeout
        if self._holder is not None and not blocking:
            return False
        if self._holder is not None and self._holder is not self._stage.current:
            self._stage.pause(lambda: self._holder is None)
        self._holder, self._depth = self._stage.current or self, self._depth + 1
        return True

    def release(self) -> None:
        self._depth -= 1
        if not self._depth:
            self._holder = None

    def locked(self) -> bool:
        return self._holder is not None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


class SimQueue:
    """As ``queue.SimpleQueue``."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._items: deque[Any] = deque()

    def put(self, item: Any) -> None:
        self._items.append(item)

    def empty(self) -> bool:
        return not self._items

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if not self._items and block:
            until = None if timeout is None else self._stage.now + timeout
            self._stage.pause(lambda: bool(self._items), until)
        if not self._items:
            raise Empty
        return self._items.popleft()


class InTurn:
    """As a thread pool, but each call is made at once, by whoever asks for it."""

    def __init__(self, *args: object, **said: object) -> None:
        del args, said

    def submit(self, call: Callable[..., Any], *args: Any) -> Future[Any]:
        made: Future[Any] = Future()
        try:
            made.set_result(call(*args))
        except Exception as error:  # noqa: BLE001 - as a future does
            made.set_exception(error)
        return made

    def map(self, call: Callable[..., Any], *items: Any) -> list[Any]:
        return list(map(call, *items))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def threading_on(stage: Stage) -> SimpleNamespace:
    """What a module of ours uses of ``threading``."""

    def thread(**said: Any) -> SimThread:
        return SimThread(stage, **said)

    return SimpleNamespace(
        Thread=thread,
        Event=lambda: SimEvent(stage),
        Lock=lambda: SimLock(stage),
        RLock=lambda: SimLock(stage),
        current_thread=lambda: stage.current,
        main_thread=lambda: stage,
    )


def time_on(stage: Stage) -> SimpleNamespace:
    """What a module of ours uses of ``time``."""
    return SimpleNamespace(
        monotonic=lambda: stage.now,
        sleep=lambda seconds: stage.pause(until=stage.now + seconds),
        time=lambda: stage.now,
        perf_counter=lambda: stage.now,
    )
