"""Whole runs as a person starts them: a real lab, the real command line, a journal per machine."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from drtool.clock import SystemClock
from drtool.errors import DrtoolError
from drtool.journal.home import journal_path
from drtool.journal.store import Journal
from drtool.journal.summary import RunSummary
from drtool.lab import bring
from drtool.lab.ask import ask
from drtool.lab.layout import ADDRESSES, MARK, SITES, Layout
from drtool.lab.listening import wait_for_services
from drtool.lab.postgresql import DATABASE, connect
from drtool.lab.processes import Process, descendants, end, marked, process
from drtool.lab.status import LabStatus, SiteStatus, status
from drtool.model.event import ConsentAsked, Event
from drtool.model.purpose import Outcome
from drtool.progress.state import fold
from drtool.redact import Redactor
from drtool.reports.report import report
from drtool.reports.values import Report

ROOT = Path(__file__).parent.parent
RUNBOOK = ROOT / "runbooks" / "hot-standby" / "orders.yaml"
EAST, WEST = SITES
ADDRESS = ADDRESSES
PATIENCE_SECONDS = 60.0
Document = dict[str, Any]


def wait_until(reached: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for a condition; every call is a look at the world."""
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until, "not reached in time"
        time.sleep(0.02)


@dataclass(frozen=True)
class Typed:
    """What came back of a command."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.err + self.out


@dataclass(frozen=True)
class Ran:
    """A run that is over."""

    run: str
    code: int
    report: Report
    events: tuple[Event, ...]
    printed: str

    def step(self, name: str) -> Any:
        return next(step for step in self.report.steps if step.name == name)

    @property
    def said(self) -> str:
        """The reason and the hint, as the last lines of the run show them."""
        return f"{self.report.reason}\n  hint: {self.report.hint}"


@dataclass(frozen=True)
class World:
    """What an outside judge sees of both sites."""

    roles: dict[str, str]
    timelines: dict[str, int | None]
    names: dict[str, str | None]
    orders: frozenset[str]


class PracticeLab:
    """A lab, and what tests do to it besides what drtool does."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.ports = layout.identity().ports

    @property
    def home(self) -> Path:
        return self.layout.home

    def seen(self) -> LabStatus:
        return status(self.home)

    def site(self, name: str) -> SiteStatus:
        return self.seen().sites[name]

    def cut_power(self, site: str) -> None:
        bring.break_site(self.home, site)
        assert self.site(site).postgresql.state == "stopped"

    def power_back(self, site: str) -> None:
        """Mains, and somebody who presses the button."""
        bring.mend(self.home, site)
        bring.press_button(self.home, site)
        wait_for_services(self.layout, site)

    def service(self, site: str, verb: str, name: str) -> None:
        """Start or stop one server of a site by its own supervisor."""
        said = ask(str(self.layout.site(site).root), f"{verb} {name}")
        assert said["done"], said

    def frozen(self, site: str, name: str) -> Process:
        """A server of a site, stopped in the middle of whatever it does."""
        pid = getattr(self.site(site), name).pid
        found = process(pid)
        assert found is not None
        return found

    def password(self, user: str) -> str:
        return self.layout.secret(f"{user}.password").read_text(encoding="utf-8").strip()

    def sql(self, site: str, statement: str, user: str = "drtool") -> list[tuple[Any, ...]]:
        with connect(
            ADDRESS[site], self.ports.postgresql, user, self.password(user), DATABASE
        ) as session:
            cursor = session.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def place_orders(self, site: str, count: int = 3) -> None:
        """Orders that the primary at a site acknowledges and its standby has received."""
        one = "insert into orders (id, item, site) values (gen_random_uuid(), 'cup', 'east')"
        for _ in range(count):
            self.sql(site, one)
        self.caught_up(site)

    def caught_up(self, site: str) -> None:
        """Wait until the standby has replayed what the primary at a site has written."""
        target = self.sql(site, "select pg_current_wal_lsn()::text")[0][0]
        other = next(name for name in SITES if name != site)
        wait_until(
            lambda: self.sql(other, f"select pg_last_wal_replay_lsn() >= '{target}'::pg_lsn")[0][0]
        )

    def write_alone(self, site: str) -> None:
        """An order that the standby never receives, so that its primary has to be rewound."""
        pid = self.site(site).postgresql.pid or 0
        sender = next(
            one
            for one in descendants(pid)
            if b"walsender" in Path(f"/proc/{one.pid}/cmdline").read_bytes()
        )
        sender.send(signal.SIGSTOP)
        one = "insert into orders (id, item, site) values (gen_random_uuid(), 'alone', 'east')"
        self.sql(site, one)

    def world(self) -> World:
        seen = self.seen().sites
        orders: frozenset[str] = frozenset()
        for name, site in seen.items():
            if site.postgresql.state == "primary":
                rows = self.sql(name, "select id::text from orders where not probe")
                orders = frozenset(row[0] for row in rows)
        return World(
            roles={name: site.postgresql.state for name, site in seen.items()},
            timelines={name: site.postgresql.timeline for name, site in seen.items()},
            names={name: site.dns.endpoint_address for name, site in seen.items()},
            orders=orders,
        )

    @property
    def whole(self) -> bool:
        """Whether it stands as it was brought up: east primary, west behind it, all answering."""
        try:
            found = self.seen()
            east, west = found.sites[EAST], found.sites[WEST]
            return (
                found.heartbeat_pid is not None
                and (east.postgresql.state, west.postgresql.state) == ("primary", "standby")
                and east.postgresql.timeline == west.postgresql.timeline == 1
                and "west streaming" in east.postgresql.followed_by
                and all(self._as_brought_up(site) for site in (east, west))
                and not self.sql(WEST, "select 1 from pg_locks where locktype = 'advisory'")
            )
        except (DrtoolError, OSError):
            return False

    def _as_brought_up(self, site: SiteStatus) -> bool:
        return (
            site.ssh.answers
            and site.orders.answers
            and site.dns.endpoint_address == ADDRESS[EAST]
            and site.power.on is True
            and site.power.restore_policy == "LastState"
        )

    def inventory(self, change: Callable[[Document], None] | None = None) -> Path:
        """The lab's inventory, or a changed copy beside it."""
        if change is None:
            return self.layout.inventory
        document = yaml.safe_load(self.layout.inventory.read_text(encoding="utf-8"))
        change(document)
        made = self.home / f"inventory-{time.monotonic_ns()}.yaml"
        made.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return made

    def runbook(self, change: Callable[[Document], None]) -> Path:
        """A changed copy of the hot-standby runbook."""
        document = yaml.safe_load(RUNBOOK.read_text(encoding="utf-8"))
        change(document)
        made = self.home / f"orders-{time.monotonic_ns()}.yaml"
        made.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return made


def steps_of(document: Document) -> Iterator[Document]:
    """Every step of a runbook, wherever it stands."""
    waiting = [*document["procedures"].values(), *document["blocks"].values()]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting.extend(found)
        elif "parallel" in found:
            waiting.append(found["parallel"])
        elif "step" in found:
            yield found


def limits(**deadlines: str) -> Callable[[Document], None]:
    """Other deadlines for named steps, which no budget may exceed."""

    def change(document: Document) -> None:
        for step in steps_of(document):
            if step["step"] in deadlines:
                step["deadline"] = deadlines[step["step"]]
                step.pop("budget", None)

    return change


@dataclass
class Operator:
    """A person at a machine with a journal of its own."""

    lab: PracticeLab
    home: Path

    def command(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-m", "drtool", *map(str, words)]

    def surroundings(self, **variables: str) -> dict[str, str]:
        return {
            **bring.child_environment(self.lab.layout),
            "DRTOOL_HOME": str(self.home),
            "DRTOOL_LAB_HOME": str(self.lab.home),
            **variables,
        }

    def begin(self, *words: str | Path, **variables: str) -> subprocess.Popen[str]:
        """Type a command, and do not wait for it."""
        return subprocess.Popen(
            self.command(*words),
            env=self.surroundings(**variables),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def type(self, *words: str | Path, **variables: str) -> Typed:
        """Type a command; what it said, which is never a traceback."""
        started = self.begin(*words, **variables)
        try:
            out, err = started.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            started.kill()
            started.communicate()
            raise
        assert "Traceback" not in out + err, out + err
        return Typed(started.returncode, out, err)

    def words(
        self,
        procedure: str,
        *more: str,
        inventory: Path | None = None,
        runbook: Path | None = None,
    ) -> list[str | Path]:
        """The command that starts a procedure."""
        return [
            *(procedure, runbook or RUNBOOK, "--inventory", inventory or self.lab.inventory()),
            *("--engine", "direct", "--detach", "--json", *more),
        ]

    def start(
        self,
        procedure: str,
        *more: str,
        inventory: Path | None = None,
        runbook: Path | None = None,
        **variables: str,
    ) -> str:
        """Start a run that must start; its id."""
        typed = self.type(
            *self.words(procedure, *more, inventory=inventory, runbook=runbook), **variables
        )
        assert typed.code == 0, typed.said
        return str(json.loads(typed.out)["run"])

    def follow(self, run: str, *, consent: bool = True) -> Ran:
        """Follow a run to its end, and consent by the service's name to whatever it asks."""
        asked: list[threading.Thread] = []
        events = []
        with self.begin("attach", run, "--json") as attached:
            watchdog = threading.Timer(PATIENCE_SECONDS, attached.kill)
            watchdog.start()
            for line in attached.stdout or ():
                event = Event.model_validate_json(line)
                events.append(event)
                if consent and isinstance(event.body, ConsentAsked):
                    thread = threading.Thread(target=self.approve, args=(run, event.body.step))
                    thread.start()
                    asked.append(thread)
            said = attached.stderr.read() if attached.stderr else ""
            code = attached.wait()
            watchdog.cancel()
        for thread in asked:
            thread.join()
        assert "Traceback" not in said, said
        return Ran(run, code, self.report(run), tuple(events), said)

    def carry(
        self,
        procedure: str,
        *more: str,
        inventory: Path | None = None,
        runbook: Path | None = None,
    ) -> Ran:
        """Start a run and follow it to its end."""
        return self.follow(self.start(procedure, *more, inventory=inventory, runbook=runbook))

    def fail_over(
        self,
        *more: str,
        inventory: Path | None = None,
        runbook: Path | None = None,
    ) -> Ran:
        """A failover from east to west, the outage just begun."""
        words = ("--from", EAST, "--to", WEST, "--outage-since", "1s", *more)
        return self.carry("failover", *words, inventory=inventory, runbook=runbook)

    def approve(self, run: str, step: str) -> Typed:
        return self.type("approve", run, step, "--service", "orders")

    @contextlib.contextmanager
    def records(self) -> Iterator[Journal | None]:
        """This machine's journal, read beside the command line; None before its first run."""
        path = journal_path(self.home)
        if not path.exists():
            yield None
            return
        journal = Journal.open(path, SystemClock(), Redactor(), create=False, read_only=True)
        try:
            yield journal
        finally:
            journal.close()

    def runs(self) -> list[RunSummary]:
        """The runs of this machine's journal, newest first."""
        with self.records() as journal:
            return journal.summaries() if journal else []

    def events(self, run: str) -> list[Event]:
        with self.records() as journal:
            return journal.events(run) if journal else []

    def report(self, run: str) -> Report:
        return report(self.events(run))

    def status(self, run: str) -> Document:
        typed = self.type("status", run, "--json")
        assert typed.code == 0, typed.said
        found: Document = json.loads(typed.out)
        return found

    def waits(self, run: str, step: str) -> bool:
        events = self.events(run)
        asked = [consent.asked.step for consent in fold(events).waiting_for] if events else []
        return step in asked

    def wait_for_consent(self, run: str, step: str = "consent") -> None:
        wait_until(lambda: self.waits(run, step))

    def under_way(self, run: str, step: str) -> bool:
        return fold(self.events(run)).step(step).outcome is Outcome.RUNNING

    def engine(self, run: str) -> Process | None:
        """The process of a run's engine, if it is still there."""
        return process(next(one.pid for one in self.runs() if one.run == run))


class Labs:
    """One lab after the other: the next test gets the same one if it is whole, else a new one.

    The one that comes next is brought up meanwhile.
    """

    def __init__(self, directory: Path) -> None:
        self._directory, self._made = directory, 0
        self._lab: PracticeLab | None = None
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="next lab")
        self._next: Future[Layout] | None = None

    def whole_lab(self) -> PracticeLab:
        if self._lab is None or not self._lab.whole:
            self.spoiled()
            made = (self._next or self._begin()).result()
            self._lab = PracticeLab(made)
            self._next = self._begin()
        return self._lab

    def _begin(self) -> Future[Layout]:
        self._made += 1
        home = self._directory / f"lab{self._made}"
        return self._maker.submit(bring.up, home, prefect=False)

    def spoiled(self) -> None:
        """What was done to it does not show from outside: the next test gets another one."""
        if self._lab is not None:
            bring.down(self._lab.home)
            self._lab = None

    def down(self) -> None:
        self.spoiled()
        self._maker.shutdown(wait=True)
        if self._next is not None:
            bring.down(self._next.result().home)


@pytest.fixture(scope="session")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labs]:
    made = Labs(tmp_path_factory.mktemp("labs"))
    yield made
    made.down()


@pytest.fixture
def lab(labs: Labs) -> PracticeLab:
    """A lab that is whole when the test begins; what it breaks is not mended."""
    return labs.whole_lab()


@pytest.fixture
def spoiled_lab(labs: Labs) -> Iterator[PracticeLab]:
    """A lab that nobody uses afterwards."""
    yield labs.whole_lab()
    labs.spoiled()


@pytest.fixture
def machines(lab: PracticeLab, tmp_path: Path) -> Iterator[Callable[[str], Operator]]:
    """Machines by name, each with a journal of its own; what their runs left is ended."""
    made: dict[str, Operator] = {}

    def machine(name: str) -> Operator:
        if name not in made:
            made[name] = Operator(lab, tmp_path / name)
        return made[name]

    yield machine
    for operator in made.values():
        _end_engines(operator)


@pytest.fixture
def operator(machines: Callable[[str], Operator]) -> Operator:
    """The person on call."""
    return machines("home")


def _end_engines(operator: Operator) -> None:
    """End every engine that this machine's journal knows and that still runs."""
    left = {one.pid for one in operator.runs() if one.ended is None}
    if left:
        mark = operator.lab.layout.identity().mark
        end([one for one in marked(MARK, mark) if one.pid in left])
