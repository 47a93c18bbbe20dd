"""The process that carries a run through Prefect: ``python -m drtool.compiler.vehicle``.

It is a process of its own so that Prefect computes on another core than the engine, and so that
nothing that Prefect does can hold the engine up or outlive it. It reads messages from standard
input and writes messages to standard output; when the engine is gone it says so to Prefect.
"""

from __future__ import annotations

import gc
import os
import queue
import re
import signal
import sys
import threading
import warnings
from contextlib import suppress

from drtool.compiler.api import Api
from drtool.compiler.lanes import Feed
from drtool.compiler.message import (
    Begin,
    Claim,
    Close,
    Done,
    Message,
    Ready,
    Trouble,
    Up,
    decode,
    encode,
)
from drtool.errors import DrtoolError

START_AGAIN_SECONDS = 1.0
LAST_WORD_SECONDS = 2.0
SWITCH_SECONDS = 0.0005
_BRIEF = 120


class Vehicle:
    """Steps come from the engine and are offered back to it by the tasks that Prefect starts."""

    def __init__(self, engine: int) -> None:
        self._engine = engine
        self._writing = threading.Lock()
        self._feed: Feed = Feed()
        self._done: dict[str, queue.SimpleQueue[Done]] = {}
        self._flow_run = ""
        self._closing = threading.Event()

    def hear(self, message: Message) -> None:
        """Take one message of the engine's."""
        if isinstance(message, Ready):
            self._done[message.task_run] = queue.SimpleQueue()
            self._feed.put(message)
        elif isinstance(message, Done):
            self._done[message.task_run].put(message)
        elif isinstance(message, Close):
            self._feed.put(message)
            self._closing.set()

    def drive(self, begin: Begin) -> None:
        """Bring the flow up, again and again until it comes up or the run ends.

        After a flow that ended as it should, what Prefect still sends is waited for: the engine
        ends this process when it has seen enough.
        """
        while not self._flow_run:
            try:
                from drtool.compiler.flow import carry  # noqa: PLC0415 - Prefect's import: a second

                carry(begin, self._feed, self._came_up, self._serve)
            except BaseException as error:  # noqa: BLE001 - whatever Prefect raises is told
                self._tell(Trouble(brief(error)))
            if self._closing.wait(0 if self._flow_run else START_AGAIN_SECONDS):
                break
        if not (self._flow_run and self._closing.is_set()):
            os._exit(1)  # nothing to flush: the engine hears at once that nothing more will come

    def left(self) -> None:
        """The engine is gone: if its run had not ended, say so to Prefect."""
        api = Api.from_environment(os.environ)
        if self._closing.is_set() or api is None or not self._flow_run:
            return
        state = {"type": "CRASHED", "message": "the engine is gone; the run can be resumed"}
        with suppress(DrtoolError):
            path = f"/flow_runs/{self._flow_run}/set_state"
            api.post(path, {"state": state, "force": True}, LAST_WORD_SECONDS)

    def _came_up(self, flow_run: str) -> None:
        self._flow_run = flow_run
        self._tell(Up(flow_run))

    def _serve(self, task_run: str) -> Done:
        self._tell(Claim(task_run))
        return self._done[task_run].get()

    def _tell(self, message: Message) -> None:
        with self._writing, suppress(OSError):
            os.write(self._engine, encode(message))


def brief(error: BaseException) -> str:
    """An error of Prefect's in a few words."""
    first = (str(error).strip().splitlines() or [""])[0]
    words = re.sub(r"\[Errno -?\d+\] ", "", first.partition(" for url ")[0])
    return words[:_BRIEF] or type(error).__name__


def main() -> None:
    """Be the vehicle of one run; never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the engine, which decides
    sys.setswitchinterval(SWITCH_SECONDS)  # a task that starts cuts in on one that is tidied up
    warnings.filterwarnings("ignore", module=r"prefect(\.|$)")
    engine = os.dup(1)
    os.dup2(2, 1)  # whatever prints goes to the log
    vehicle = Vehicle(engine)
    threading.Thread(target=_import, name="prefect-import", daemon=True).start()
    lines = sys.stdin.buffer
    begin = decode(first) if (first := lines.readline()) else None
    if isinstance(begin, Begin):
        threading.Thread(target=vehicle.drive, args=(begin,), daemon=True).start()
        for line in lines:
            vehicle.hear(decode(line))
        vehicle.left()
    os._exit(0)


def _import() -> None:
    gc.disable()  # everything that an import makes stays
    with suppress(Exception):  # told when the flow does not come up
        import drtool.compiler.flow  # noqa: F401, PLC0415 - begun before there is a plan
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
