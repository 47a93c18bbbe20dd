"""What PgBouncer's actions see and change, from values and over a fake console."""

from __future__ import annotations

from typing import Any

import pytest
from driven import drive
from patroni_values import NOW, inventory

from drtool.action import Entry, Facts, Hands
from drtool.actions.pgbouncer.pause import Pause, Resume
from drtool.actions.pgbouncer.reload import Reload
from drtool.connections.pgbouncer import PgbouncerHands, PgbouncerReader
from drtool.connections.reach import Reader
from drtool.errors import BadInput, Refused, StepFailed
from drtool.model.pgbouncer import Bouncer, Pool
from drtool.model.place import Direction, Place
from drtool.model.purpose import Mode, Procedure
from drtool.model.value import Fields
from drtool.testing import FakeConnections, check_action

INVENTORY = inventory()


def facts(system: str = "pool") -> Facts:
    return Facts(
        run="r", step="s", mode=Mode.LIVE, procedure=Procedure.SWITCHOVER, service="orders",
        inventory=INVENTORY, direction=Direction(from_site="east", to_site="west"),
        at=Place(site="east", system=system), started=NOW,
    )  # fmt: skip


def pool(name: str = "orders", **changed: Any) -> Pool:
    given = {"database": name, "host": "192.0.2.1", "port": 5432, "mode": "transaction", **changed}
    return Pool.model_validate(given)


class FakeConsole(PgbouncerHands):
    """A console that obeys, or says so and does nothing; a pause comes about at once."""

    def __init__(self, *pools: Pool, lies: bool = False, missing: tuple[str, ...] = ()) -> None:
        self.pools = {one.database: one for one in pools}
        self.lies, self.missing, self.told = lies, missing, list[str]()

    def state(self) -> Bouncer:
        pools = tuple(self.pools.values())
        return Bouncer(place="east.pool", at=NOW, pools=pools, missing=self.missing)

    def _set(self, database: str, **changed: Any) -> None:
        if not self.lies:
            self.pools[database] = self.pools[database].model_copy(update=changed)

    def pause(self, database: str) -> None:
        self.told.append(f"PAUSE {database}")
        self._set(database, paused=True, servers=0)

    def resume(self, database: str) -> None:
        self.told.append(f"RESUME {database}")
        self._set(database, paused=False)

    def reload(self) -> None:
        self.told.append("RELOAD")
        for name in self.pools:
            self._set(name, host="192.0.2.3")


def connections(console: FakeConsole) -> FakeConnections:
    made: dict[tuple[type[Reader], str], Reader] = {
        (kind, "east.pool"): console for kind in (PgbouncerReader, PgbouncerHands)
    }
    return FakeConnections(INVENTORY, made)


@pytest.mark.parametrize(
    ("action", "example"), [(Pause, {}), (Resume, {}), (Reload, {"host": "192.0.2.3"})]
)
def test_each_keeps_the_contract(action: type[Entry], example: Fields) -> None:
    check_action(action, example, facts())


def test_only_what_is_not_paused_is_paused_and_only_that_taken_back() -> None:
    console = FakeConsole(pool(servers=2), pool("stock", paused=True))
    before = console.state()
    drive(Pause(), connections(console), facts(), 5)
    assert console.told == ["PAUSE orders"]
    Pause().undo(Hands(connections(console), facts()), before)
    assert console.told == ["PAUSE orders", "RESUME orders"]
    drive(Resume(), connections(console), facts(), 5)
    assert console.told[-1] == "RESUME stock"


def test_who_still_keeps_a_connection_is_named() -> None:
    busy = pool(paused=True, servers=1, busy=("shop at 192.0.2.9:4711 (till)",))
    seen = Bouncer(place="east.pool", at=NOW, pools=(busy, pool("stock", paused=True)))
    assert [change.subject for change in Pause().changes(seen)] == ["pgbouncer east.pool orders"]
    assert Pause().reason_to_wait(seen) == "orders waits for shop at 192.0.2.9:4711 (till)"
    session = busy.model_copy(update={"mode": "session"})
    assert "until they leave" in str(session)
    assert str(pool("stock", paused=True, waiting=3)) == "stock is paused, 3 clients wait"
    half = seen.model_copy(update={"pools": (busy, pool("stock"))})
    assert Pause().reason_to_wait(half) is None


@pytest.mark.parametrize(
    ("action", "pools"),
    [
        (Pause(), [pool(servers=1)]),
        (Resume(), [pool(paused=True)]),
        (Reload(host="192.0.2.3"), [pool()]),
    ],
)
def test_a_console_that_says_yes_and_does_nothing_is_not_believed(
    action: Any, pools: list[Pool]
) -> None:
    console = FakeConsole(*pools, lies=True)
    with pytest.raises(StepFailed, match="not done within"):
        drive(action, connections(console), facts(), 0.2)
    assert console.told


@pytest.mark.parametrize("action", [Pause(), Resume(), Reload(host="192.0.2.3")])
def test_a_database_that_is_not_there_is_no_success(action: Any) -> None:
    console = FakeConsole(missing=("orders",))
    with pytest.raises(Refused, match="has no database orders"):
        drive(action, connections(console), facts())


def test_a_reload_is_over_when_all_point_there() -> None:
    console = FakeConsole(pool(), pool("stock", host="192.0.2.3"))
    drive(Reload(host="192.0.2.3", port=5432), connections(console), facts(), 5)
    assert console.told == ["RELOAD"]
    other = Reload(host="192.0.2.3", port=5433).changes(console.state())
    assert [str(change) for change in other] == [
        "pgbouncer east.pool orders: at 192.0.2.3:5432 -> at 192.0.2.3:5433",
        "pgbouncer east.pool stock: at 192.0.2.3:5432 -> at 192.0.2.3:5433",
    ]


def test_a_step_elsewhere_is_bad_input() -> None:
    with pytest.raises(BadInput, match="which PgBouncer"):
        Pause().needs(facts("orders_db"))
    assert Pause().by_hand(facts())[0] == (
        "$ psql -h 198.51.100.2 -p 6432 -U pgbouncer pgbouncer -c 'PAUSE \"orders\"'"
    )
