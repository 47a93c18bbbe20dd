"""A service on two real databases, watched through links that can be cut, by a clock of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from engine_bench import plan_of, step
from good_documents import EAST_KEY, RUNBOOK, WEST_KEY
from postgresql_pair import Pair, wait_until
from tcp_proxy import Proxy

from drtool.bootstrap import App
from drtool.catalog import Catalog
from drtool.clock import SystemClock
from drtool.model.event import RunEnded, RunStarted, World
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.model.signals import Allowance
from drtool.redact import Redactor
from drtool.runbook.load import load
from drtool.safety.outage import Word
from drtool.units import Duration
from drtool.verbs.launch import Launched
from drtool.verbs.request import StartRequest
from drtool.verbs.watch.findings import News
from drtool.verbs.watch.service import Watch, WatchOptions

EVERY = 5.0
ALLOWED = {"failover": {"runbook": "orders.yaml", "allowed_by": "Ann Example"}}


class MovedClock(SystemClock):
    """The machine's clock, moved forward as a test wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = 0.0

    def wall(self) -> datetime:
        return super().wall() + timedelta(seconds=self.moved)

    def monotonic(self) -> float:
        return super().monotonic() + self.moved


class Shop:
    """A web service that answers, or answers that it is broken."""

    def __init__(self) -> None:
        self.status = 200
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(shop.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@dataclass
class Watched:
    """The service, the links to it, and a watch that looks when it is told to."""

    pair: Pair
    shop: Shop
    customers: Proxy
    link: Proxy
    app: App
    clock: MovedClock
    watch: Watch
    asked: list[StartRequest] = field(default_factory=list)
    news: list[News] = field(default_factory=list)

    def says(self) -> Word:
        return self.watch.services[0].verdict.word

    @property
    def reason(self) -> str:
        return self.watch.services[0].verdict.reason

    def look(self, seconds: float = EVERY) -> None:
        """Time passes, and the watch looks."""
        self.clock.moved += seconds
        self.news += self.watch.look()

    def look_for(self, seconds: float) -> None:
        """Looks over that time, one every five seconds."""
        for _ in range(round(seconds / EVERY)):
            self.look()

    def told(self, about: str) -> list[str]:
        return [one.finding.text for one in self.news if one.finding.about.value == about]

    def lose(self) -> None:
        """The site that serves is lost to customers and to its standby."""
        self.customers.cut()
        self.link.cut()
        wait_until(lambda: not self.streams(), 60)

    def lose_link(self) -> None:
        self.link.cut()
        wait_until(lambda: not self.streams(), 60)

    def mend(self) -> None:
        self.customers.mend()
        self.link.mend()
        wait_until(self.streams, 60)

    def streams(self) -> bool:
        found = "SELECT 1 FROM pg_stat_wal_receiver WHERE sender_port = %s AND status = 'streaming'"
        return bool(self.pair.west.sql(found, self.link.port))


@contextmanager
def watched_service(
    pair: Pair, signals: list[dict[str, Any]] | None = None, **service: Any
) -> Iterator[Watched]:
    """East serves, west follows it; customers and west each have a link of their own to east."""
    shop, link = Shop(), Proxy(pair.east.address, pair.east.port)
    customers = Proxy("127.0.0.1", shop.server.server_port)
    west, clock = pair.west, MovedClock()
    west.sql("ALTER SYSTEM SET wal_retrieve_retry_interval = '100ms'")
    west.sql(
        "ALTER SYSTEM SET primary_conninfo = "
        f"'host=127.0.0.1 port={link.port} user=postgres password={west.password}'"
    )
    west.sql("SELECT pg_reload_conf()")
    directory = pair.directory / "documents"
    url = f"http://127.0.0.1:{customers.port}/"
    named = signals or [{"http": url}, {"heartbeat": "west.orders_db"}]
    _write(directory, pair, {"signals": named, **service}, url)
    app = App(
        home=pair.directory / "home", clock=clock, redactor=Redactor(), catalog=Catalog.load()
    )
    made = Watched(pair, shop, customers, link, app, clock, None)  # type: ignore[arg-type]
    loaded = load(directory / "orders.yaml", None, app.catalog, {})
    made.watch = Watch(app, [loaded], WatchOptions(), starting(made))
    wait_until(made.streams, 60)
    try:
        yield made
    finally:
        made.watch.close()
        link.close()
        customers.close()
        shop.server.shutdown()
        shop.server.server_close()


def starting(made: Watched) -> Callable[[StartRequest], Launched]:
    """What stands for an engine: the run is begun and has ended when it comes back."""

    def start(request: StartRequest) -> Launched:
        made.asked.append(request)
        assert request.because is not None
        allowed = Allowance(by="Ann Example", source="i", sha256="00", because=request.because)
        journal = made.app.journal()
        run = journal.new_run_id()
        begun = RunStarted(
            plan=plan_of(step("one")), mode=Mode.LIVE, requester=request.requester, host="h",
            pid=1, version="0", engine="direct", automatic=allowed,
        )  # fmt: skip
        assert begun.plan.procedure is Procedure.FAILOVER
        ended = RunEnded(outcome=Outcome.SUCCEEDED, exit_code=0, world=World.UNTOUCHED)
        journal.append(run, begun, ended)
        journal.close()
        return Launched(run=run)

    return start


def _write(directory: Path, pair: Pair, service: dict[str, Any], url: str) -> None:
    directory.mkdir()
    document = pair.inventory().model_dump(mode="json", exclude_defaults=True)
    document |= {"version": 1, "roles": {"incident_commander": {"people": ["oncall"]}}}
    keys = {"east_db": EAST_KEY, "west_db": WEST_KEY}
    addresses = {"east_db": pair.east.address, "west_db": pair.west.address}
    document["hosts"] = {
        name: {"ssh": {"address": addresses[name], "user": "postgres", "host_key": key}}
        for name, key in keys.items()
    }
    document["services"]["orders"] |= {"url": url, "heartbeat": "1s", **service}
    for site, server in (("east", pair.east), ("west", pair.west)):
        document["sites"][site]["systems"]["orders_db"] |= {
            "kind": "postgresql", "host": f"{site}_db", "data_directory": str(server.data),
        }  # fmt: skip
    (directory / "inventory.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    text = RUNBOOK.replace("    - {step: redirect, action: dns.redirect, budget: 10s}\n", "")
    (directory / "orders.yaml").write_text(text, encoding="utf-8")


HOLD = Duration(90).seconds
