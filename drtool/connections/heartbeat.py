"""Write a service's heartbeat row each interval, wherever the primary is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from drtool.connections.postgresql import PostgresqlSession
from drtool.connections.reach import Context
from drtool.errors import BadInput, DrtoolError
from drtool.model.inventory import Served
from drtool.units import Duration

DEFAULT_INTERVAL = Duration(1)
_PRIMARY, _STANDBY, _SILENT = "primary: writing heartbeats", "standby", "does not answer"


class Heartbeat:
    """Keeps one thread for each system of the sites, so that a dead one delays no other.

    A heartbeat bears the primary's clock and position. Outages are no news beyond their start
    and end: ``tell`` hears of each change of a system's state once.
    """

    def __init__(
        self,
        context: Context,
        service: str,
        interval: Duration | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        known = context.inventory.services
        if service not in known:
            raise BadInput(f"service {service}", "not in the inventory", " or ".join(sorted(known)))
        self._context, self._service, self._tell = context, service, tell
        self._interval = interval or known[service].heartbeat or DEFAULT_INTERVAL
        self._targets = [
            f"{name}.{system}"
            for name, site in context.inventory.sites.items()
            for system, found in site.systems.items()
            if isinstance(found, Served)
        ]
        if not self._targets:
            raise BadInput(f"service {service}", "no site has a PostgreSQL system", "one at least")

    def run(self, stop: threading.Event) -> None:
        """Write heartbeats until ``stop`` is set."""
        threads = [
            threading.Thread(target=self._follow, args=(target, stop), name=f"heartbeat {target}",
                             daemon=True)
            for target in self._targets
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join(timeout=self._context.connect_seconds + 1)

    def _follow(self, target: str, stop: threading.Event) -> None:
        """One system's beats, at even times however long each takes."""
        session: PostgresqlSession | None = None
        state, due = "", time.monotonic()
        while not stop.is_set():
            try:
                if session is None:
                    session = PostgresqlSession.open(target, self._context)
                    session.set_name(f"drtool heartbeat {self._service}")
                now, trouble = self._beat(session, writing=state == _PRIMARY), ""
            except DrtoolError as error:
                now, trouble = _SILENT, f": {error.line()}"
                if session is not None:
                    session.close()
                session = None
            if now != state and self._tell is not None:
                self._tell(f"{target}: {now}{trouble}")
            state = now
            due = max(due + self._interval.seconds, time.monotonic())
            stop.wait(due - time.monotonic())
        if session is not None:
            session.close()

    def _beat(self, session: PostgresqlSession, *, writing: bool) -> str:
        if session.in_recovery():
            return _STANDBY
        if not writing:
            session.create_heartbeat_table()
        session.write_heartbeat(self._service)
        return _PRIMARY
