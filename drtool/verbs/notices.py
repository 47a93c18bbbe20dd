"""Have a run told to those whom its inventory names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from drtool.bootstrap import App
from drtool.engine.ports import Listener
from drtool.journal.home import journal_path
from drtool.model.event import Event
from drtool.model.inventory import Inventory
from drtool.model.purpose import Mode


def listeners(
    app: App,
    inventory: Inventory,
    directory: Path,
    run: str,
    mode: Mode,
    *,
    known: Iterable[Event] = (),
) -> tuple[Listener, ...]:
    """Who follows a run, begun early so that nothing has to wait for it; returns at once.

    ``known`` are the events that an earlier engine of the run has told.
    """
    notify = inventory.notify
    told = mode.changes_the_world or mode is Mode.DRY_RUN
    if notify is None or not told or (mode is Mode.DRY_RUN and not notify.dry_runs):
        return ()
    from drtool.notify.listener import Notifier  # noqa: PLC0415 - only where somebody is told

    threads = app.home / "notices" / f"{run}.json"
    log = app.logs / f"{os.getpid()}.notices.log"
    notifier = Notifier(notify, directory, threads, log, journal_path(app.home))
    notifier.know(known)
    return (notifier,)
