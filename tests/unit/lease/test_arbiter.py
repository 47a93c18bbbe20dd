from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drtool.action import Facts
from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.errors import BadInput, LeaseHeld
from drtool.journal.store import Journal
from drtool.lease import arbiter
from drtool.lease.arbiter import system_at, take
from drtool.lease.lease import Lease, held
from drtool.lease.pair import PairLease
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.purpose import Mode, Procedure
from drtool.redact import Redactor

DB = {"kind": "postgresql", "host": "h", "data_directory": "/srv/pg"}


def inventory(at: str, west: dict[str, object] | None = None) -> Inventory:
    return Inventory.model_validate(
        {
            "version": 1,
            "services": {"orders": {"preferred": "east", "lease": {"at": at}}},
            "sites": {
                "east": {"address": "::1", "systems": {"db": DB}},
                "west": {"address": "::1", "systems": west or {"db": DB}},
            },
        }
    )


def facts(known: Inventory, procedure: Procedure, *sites: str | None) -> Facts:
    left, to = sites or ("east", "west")
    return Facts(
        run="run-1",
        mode=Mode.LIVE,
        procedure=procedure,
        service="orders",
        inventory=known,
        direction=Direction(from_site=left, to_site=to),
        started=datetime.now(UTC),
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "home" / "journal.sqlite", SystemClock(), Redactor())
    yield opened
    opened.close()


def connections(known: Inventory) -> Connections:
    return Connections(Context(known, Secrets(Redactor()), SystemClock()))


class Taken:
    """Which systems were asked, and which of them refuse."""

    def __init__(self, *refuse: str) -> None:
        self.targets: list[str] = []
        self.released: list[str] = []
        self.forced: list[bool] = []
        self.refuse = refuse

    def take(
        self,
        service: str,
        target: str,
        context: Context,
        holder: str,
        run: str,
        *,
        by_force: bool = False,
    ) -> Lease:
        del context, run
        self.forced.append(by_force)
        self.targets.append(target)
        if target in self.refuse:
            raise held(service, target, "ben", "run-2", "wait")
        return One(self, target, holder)


class One:
    session = None
    over = ""

    def __init__(self, taken: Taken, target: str, holder: str) -> None:
        self.taken, self.arbiter, self.holder, self.token = taken, target, holder, target

    def check(self) -> None:
        pass

    def release(self) -> None:
        self.taken.released.append(self.arbiter)


@pytest.mark.parametrize(
    ("procedure", "targets"),
    [
        (Procedure.FAILOVER, ["west.db"]),
        (Procedure.REPROTECT, ["west.db"]),
        (Procedure.SWITCHOVER, ["east.db", "west.db"]),
        (Procedure.FAILBACK, ["east.db", "west.db"]),
    ],
)
def test_where_it_is_held(
    procedure: Procedure, targets: list[str], journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, known = Taken(), inventory("postgresql")
    monkeypatch.setattr(arbiter, "take_postgresql", taken.take)
    lease = take("orders", facts(known, procedure), connections(known), journal, "ann")
    assert taken.targets == targets
    assert lease.token == "west.db"
    assert isinstance(lease, PairLease) == (len(targets) == 2)
    lease.release()
    assert sorted(taken.released) == targets


def test_opposite_directions_ask_in_the_same_order(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, known = Taken(), inventory("postgresql")
    monkeypatch.setattr(arbiter, "take_postgresql", taken.take)
    back = facts(known, Procedure.FAILBACK, "west", "east")
    lease = take("orders", back, connections(known), journal, "ann")
    assert taken.targets == ["east.db", "west.db"]
    assert lease.token == "east.db"


def test_what_was_taken_is_given_back_when_the_second_is_refused(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, known = Taken("west.db"), inventory("postgresql")
    monkeypatch.setattr(arbiter, "take_postgresql", taken.take)
    with pytest.raises(LeaseHeld, match="ben"):
        take("orders", facts(known, Procedure.SWITCHOVER), connections(known), journal, "ann")
    assert taken.released == ["east.db"]


def test_the_journal_lets_one_run_of_this_machine_act(journal: Journal) -> None:
    known = inventory("journal")
    asked = facts(known, Procedure.SWITCHOVER)
    lease = take("orders", asked, connections(known), journal, "ann")
    with pytest.raises(LeaseHeld, match="run run-1"):
        take("orders", asked, connections(known), journal, "ben")
    lease.release()


def test_several_systems_at_a_site_cannot_arbitrate() -> None:
    known = inventory("postgresql", {"orders_db": DB, "stock_db": DB})
    with pytest.raises(BadInput, match="2 PostgreSQL systems"):
        system_at("orders", "west", known)


def test_a_direction_without_any_site_is_refused(journal: Journal) -> None:
    known = inventory("postgresql")
    with pytest.raises(BadInput, match="--to SITE"):
        take("orders", facts(known, Procedure.LOSE, None, None), connections(known), journal, "ann")
