"""The drill: lose a site under load, fail over, bring the site back, fail back; judge it all."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from drtool.errors import BadInput, DrtoolError
from drtool.lab import bring, prefect_server
from drtool.lab.account import take_account
from drtool.lab.documents import runbook
from drtool.lab.layout import ADDRESSES, EAST, WEST, Layout
from drtool.lab.listening import wait_for_services
from drtool.lab.postgresql import wait_for_standby
from drtool.lab.prefect_records import recorded
from drtool.lab.processes import end
from drtool.lab.runs import Drtool, Ran
from drtool.lab.servers.choice import Servers, choose
from drtool.lab.standing import LabStatus, PostgresqlStatus
from drtool.lab.status import runs_home, status
from drtool.lab.telling import Teller, console
from drtool.lab.verdict import show_account
from drtool.lab.watching import Watch, orders_at

Engine = Literal["auto", "prefect", "direct"]
Prefect = Literal["run", "stop", "hang"]
# Objectives met, or recovered with one missed: the story goes on, and is judged at its end.
GOES_ON = {0, 6}


def drill(
    home: Path,
    *,
    servers: str | None = None,
    dns: str | None = None,
    engine: str = "auto",
    prefect: str = "run",
    keep: bool = False,
) -> int:
    """Run the drill in the lab of ``home``; gives 0 only if everything was as it must be.

    A lab that is up is used and left as found; otherwise one is brought up, and taken down
    afterwards unless ``keep``. ``servers`` and ``dns`` choose its servers. ``prefect`` says what
    Prefect's server does while east is lost: it runs, is stopped, or hangs. Raises DrtoolError
    when the story cannot go on.
    """
    if engine not in {"auto", "prefect", "direct"}:
        raise BadInput(f"--engine {engine}", "no such engine", "auto, prefect or direct")
    if prefect not in {"run", "stop", "hang"}:
        raise BadInput(f"--prefect {prefect}", "no such state", "run, stop or hang")
    found = Layout(home.absolute()).identity_file.exists()
    chosen = None if found and servers is dns is None else choose(servers, dns)
    if found and chosen is not None:
        _check_makes(Layout(home.absolute()), chosen, dns)
    teller = Teller(console())
    try:
        layout = _lab(home, chosen, teller, found=found)
        return Story(layout, teller, engine, prefect).tell()
    finally:
        if not found and not keep:
            bring.down(home)
            teller.line("the lab is down again; journal and reports stay", "dim")


def _check_makes(layout: Layout, chosen: Servers, dns: str | None) -> None:
    """A lab that is up keeps its servers; raises BadInput when others are wanted."""
    runs = layout.identity().makes
    if runs.choice != chosen.choice or (dns is not None and runs.dns != chosen.dns.make):
        raise BadInput("lab", f"is up with {runs}", str(chosen.makes), "drtool lab down")


def _lab(home: Path, servers: Servers | None, teller: Teller, *, found: bool) -> Layout:
    teller.chapter("Two sites")
    if found:
        layout = Layout(home.absolute())
        teller.line(f"the lab in {home} is up already: {layout.identity().makes}")
        return layout
    began = time.monotonic()
    with teller.waiting("bringing the lab up"):
        layout = bring.up(home, servers=servers, tell=teller.line)
    took = time.monotonic() - began
    teller.line(f"the lab is up after {took:.1f} s; drtool lab status shows it")
    return layout


class Story:
    """One drill, from the customers' first order to the account."""

    def __init__(self, layout: Layout, teller: Teller, engine: str, prefect: str) -> None:
        self._layout, self._teller = layout, teller
        self._engine, self._prefect = engine, prefect
        self._reach = prefect_server.reach(layout)
        self._watch = Watch(layout)
        environment = {**bring.child_environment(layout), **self._reach.environment()}
        self._drtool = Drtool(runbook(), layout.inventory, environment, engine)
        self._runs: list[Ran] = []
        self._broken = 0.0

    def tell(self) -> int:
        """Tell it all; gives the exit code. What ends early is judged by what there is."""
        self._check_start()
        ended_early = ""
        try:
            self._serve_customers()
            self._trouble_prefect()
            self._lose_east()
            self._bring_east_back()
            self._go_home()
        except DrtoolError as error:
            ended_early = error.line()
            self._teller.line(f"The drill cannot go on. {error.text()}", "bold red")
        finally:
            self._watch.stop()
            self._thaw_prefect()
        return 0 if self._runs and self._judge(ended_early) else 1

    def _check_start(self) -> None:
        seen = status(self._layout.home)
        states = {name: site.postgresql.state for name, site in seen.sites.items()}
        if states != {EAST: "primary", WEST: "standby"}:
            said = ", ".join(f"{name} is {state}" for name, state in states.items())
            raise BadInput(
                "lab", said, "east primary, west its standby", "drtool lab down && drtool lab up"
            )

    def _serve_customers(self) -> None:
        self._teller.chapter("Customers")
        began = time.time()
        self._watch.start()
        with self._teller.waiting("waiting for the first orders"):
            self._watch.wait_until_served(began)
        self._teller.line("one orders all the time, one tries to write to both databases")
        if not prefect_server.wait_until_calm(self._reach):
            self._teller.line("Prefect's server is slow to answer on this machine", "yellow")

    def _trouble_prefect(self) -> None:
        server = bring.processes(self._layout).get("prefect")
        if server is None or self._prefect == "run":
            return
        if self._prefect == "stop":
            end([server])
            self._teller.line("Prefect's server is stopped", "yellow")
        else:
            server.send(signal.SIGSTOP)
            self._teller.line(
                "Prefect's server hangs: it takes connections, says nothing", "yellow"
            )

    def _thaw_prefect(self) -> None:
        server = bring.processes(self._layout).get("prefect")
        if server is not None and self._prefect == "hang":
            server.send(signal.SIGCONT)

    def _lose_east(self) -> None:
        self._teller.chapter("East loses its power")
        since = datetime.now(UTC)
        self._broken = time.time()
        bring.break_site(self._layout.home, EAST)
        self._teller.line("SIGKILL: PostgreSQL with its backends, orders, SSH, DNS", "red")
        self._carry("failover", "--from", EAST, "--outage-since", since.isoformat())
        with self._teller.waiting("waiting for orders"):
            self._watch.wait_until_served(time.time())
        self._teller.line("customers are served again, by west")

    def _bring_east_back(self) -> None:
        self._teller.chapter("East comes back, and must not come back as a second primary")
        bring.mend(self._layout.home, EAST)
        power = self._seen().sites[EAST].power
        if power.on:
            raise DrtoolError("site east", "started when mains power returned", "a machine off")
        self._teller.line(f"mains power returns: east stays off ({power.restore_policy})")
        bring.press_button(self._layout.home, EAST)
        wait_for_services(self._layout, EAST)
        database = self._database_at_east()
        if database.state != "held back":
            raise DrtoolError("site east", f"PostgreSQL is {database.state}", "held back")
        self._teller.line("somebody presses its button: the guard holds PostgreSQL back")
        self._carry("reprotect", "--from", EAST, "--to", WEST)

    def _database_at_east(self) -> PostgresqlStatus:
        return self._seen().sites[EAST].postgresql

    def _seen(self) -> LabStatus:
        return status(self._layout.home)

    def _go_home(self) -> None:
        self._teller.chapter("Home again, without losing an order")
        self._carry("failback")
        with self._teller.waiting("waiting for orders"):
            self._watch.wait_until_served(time.time())
        if not self._seen().sites[EAST].postgresql.followed_by:
            self._carry("reprotect", "--from", WEST, "--to", EAST)
        password = self._layout.secret("drtool.password").read_text(encoding="utf-8")
        port = self._layout.identity().ports.postgresql
        wait_for_standby(ADDRESSES[EAST], port, password)
        self._teller.line("east is the primary, west is its standby again")

    def _carry(self, procedure: str, *words: str) -> None:
        ran = self._drtool.carry(procedure, *words, hear=self._teller.hear, service=bring.SERVICE)
        self._runs.append(ran)
        if ran.exit_code not in GOES_ON:
            raise DrtoolError(
                procedure,
                ran.report.reason or f"ended with exit code {ran.exit_code}",
                hint=f"drtool explain {ran.report.run}",
            )

    def _kept(self) -> frozenset[str]:
        """The orders of whichever site is the primary now."""
        primaries = self._seen().primaries
        return frozenset().union(*(orders_at(self._layout, site) for site in primaries))

    def _judge(self, ended_early: str) -> bool:
        healthy = self._prefect == "run" and self._engine != "direct"
        with self._teller.waiting("asking Prefect, counting orders"):
            account = take_account(
                runs=self._runs,
                broken=self._broken,
                orders=self._watch.orders(),
                writes=self._watch.writes(),
                kept=self._kept(),
                recorded=[recorded(self._reach, ran) for ran in self._runs] if healthy else None,
                ended_early=ended_early,
            )
        self._teller.chapter("The account")
        passed = show_account(self._teller.out, account, runs_home() / "journal.sqlite")
        self._teller.line(
            f"after {self._teller.seconds:.0f} s in all, process {os.getpid()}", "dim"
        )
        return passed
