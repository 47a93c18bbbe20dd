"""The customers of a drill: start them, wait until they are served, read what they wrote."""

from __future__ import annotations

import sys
import time

from drtool.errors import DrtoolError
from drtool.lab import bring
from drtool.lab.customers import Order, read_orders
from drtool.lab.layout import ADDRESSES, ENDPOINT, SITES, Layout
from drtool.lab.postgresql import DATABASE, connect
from drtool.lab.processes import end
from drtool.lab.servers.kinds import spelled
from drtool.lab.writers import Write, read_writes

SERVED_SECONDS = 20.0
_ORDERS_BEFORE = 25
_POLL = 0.02


class Watch:
    """Two customers, from the outside: one who orders, one who writes to both databases."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._started = f"{time.time():.0f}"
        self.orders_log = layout.logs / f"orders-{self._started}.jsonl"
        self.writes_log = layout.logs / f"writes-{self._started}.jsonl"

    def start(self) -> None:
        """Start both."""
        identity = self._layout.identity()
        ports = identity.ports
        dns = ",".join(map(spelled, identity.dns.values()))
        servers = ",".join(f"{ADDRESSES[site]}:{ports.postgresql}" for site in SITES)
        self._spawn(
            "customers",
            *("--endpoint", ENDPOINT, "--dns", dns, "--port", str(ports.orders)),
            *("--log", str(self.orders_log)),
        )
        self._spawn(
            "writers",
            *("--servers", servers, "--sites", ",".join(SITES)),
            *("--password-file", str(self._layout.secret("orders.password"))),
            *("--log", str(self.writes_log)),
        )

    def _spawn(self, name: str, *words: str) -> None:
        command = [sys.executable, "-m", f"drtool.lab.{name}", *words]
        bring.spawn(self._layout, name, command)

    def orders(self) -> list[Order]:
        """The orders so far."""
        return read_orders(self.orders_log)

    def writes(self) -> list[Write]:
        """The direct writes so far."""
        return read_writes(self.writes_log)

    def wait_until_served(self, since: float) -> None:
        """Wait until orders asked after ``since`` are acknowledged again; raises DrtoolError."""
        until = time.monotonic() + SERVED_SECONDS
        while time.monotonic() < until:
            fresh = [one for one in self.orders() if one.acknowledged and one.asked > since]
            written = any(write.written > since for write in self.writes())
            if len(fresh) >= _ORDERS_BEFORE and written:
                return
            time.sleep(_POLL)
        last = next((one.reason for one in reversed(self.orders()) if one.reason), "")
        raise DrtoolError("customers", f"are not served after {SERVED_SECONDS:g} s: {last}")

    def stop(self) -> None:
        """End both."""
        running = bring.processes(self._layout)
        end([running[name] for name in ("customers", "writers") if name in running])


def orders_at(layout: Layout, site: str) -> frozenset[str]:
    """The ids of the orders that the site's database has."""
    password = layout.secret("drtool.password").read_text(encoding="utf-8")
    port = layout.identity().ports.postgresql
    with connect(ADDRESSES[site], port, "drtool", password, DATABASE) as session:
        rows = session.execute("select id::text from orders").fetchall()
    return frozenset(str(row[0]) for row in rows)
