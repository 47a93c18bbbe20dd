from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from drtool.clock import SystemClock
from drtool.connections.dns import Answer, DnsHands
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.errors import BadInput, LeaseHeld, Refused, Unreachable
from drtool.lease import dns as leasing
from drtool.lease.dns import take_dns
from drtool.lease.dns_record import LeaseRecord, parse
from drtool.model.inventory import Inventory
from drtool.redact import Redactor
from drtool.units import Duration

NAME = "_drtool-lease.orders.lab.test"
WHEN = datetime(2026, 11, 23, 5, 15, 1, tzinfo=UTC)


class Movable(SystemClock):
    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def wall(self) -> datetime:
        return WHEN + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed


class Zone:
    """What each server has; a server in ``silent`` does not answer."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[str, ...]] = {}
        self.silent: set[str] = set()
        self.passed = 0.0


class Hands(DnsHands):
    def __init__(self, world: Zone, server: str) -> None:
        self.world, self.server = world, server
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def server_time(self) -> int | None:
        self.answer(NAME, "TXT")
        return int((WHEN + timedelta(seconds=self.world.passed)).timestamp())

    @property
    def zone(self) -> str:
        return "lab.test"

    def answer(self, name: str, rdtype: str = "A") -> Answer:
        assert (name, rdtype) == (NAME, "TXT")
        if self.server in self.world.silent:
            raise Unreachable(f"dns server {self.server}", "does not answer in time")
        return Answer(name=name, rdtype=rdtype, values=self.world.values.get(self.server, ()))

    def replace(self, old: Answer, values: tuple[str, ...], ttl: Duration) -> None:
        del ttl
        if self.answer(old.name, old.rdtype).values != old.values:
            raise Refused(f"dns server {self.server}", "the plan is stale")
        assert all(len(value) <= 257 for value in values)
        self.world.values[self.server] = values


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Zone:
    world = Zone()

    def open_hands(_: type[DnsHands], target: str, __: Context) -> Hands:
        hands = Hands(world, target)
        hands.answer(NAME, "TXT")
        return hands

    monkeypatch.setattr(DnsHands, "open", classmethod(open_hands))
    return world


def context(clock: SystemClock, servers: int = 1) -> Context:
    inventory = Inventory.model_validate(
        {
            "version": 1,
            "services": {},
            "sites": {},
            "dns": {
                "zone": "lab.test",
                "key": {"secret": "env:KEY"},
                "servers": {
                    **{f"w{n}": {"site": "west", "address": "::1"} for n in range(servers)},
                    "e0": {"site": "east", "address": "::1"},
                },
            },
        }
    )
    return Context(inventory, Secrets(Redactor()), clock)


def test_a_record_survives_being_written_and_read() -> None:
    taken = LeaseRecord(token=7, run="20261123-051401-7f3a", holder="ann at desk", expires=WHEN)
    assert parse((taken.text(),)) == taken
    assert parse((LeaseRecord(token=7).text(),)) == LeaseRecord(token=7)
    assert parse(()) == LeaseRecord()
    assert parse(('"v=spf1 -all"',)) is None
    assert parse((taken.text(), '"v=spf1 -all"')) is None


def test_a_holder_cannot_break_out_of_its_record() -> None:
    taken = LeaseRecord(token=7, run="r", holder='a" "b\\ \n' + "ü" * 300, expires=WHEN)
    assert len(taken.text()) < 257
    found = parse((taken.text(),))
    assert found is not None
    assert found.holder.startswith("a? ?b? ????")


def test_one_holds_and_the_other_is_told_who(zone: Zone) -> None:
    clock = Movable()
    lease = take_dns("orders", "west", context(clock), "ann", "run-1")
    assert (lease.arbiter, lease.token) == ("dns w0", "000000000001")
    assert "e0" not in zone.values
    with pytest.raises(LeaseHeld, match="held by ann, run run-1, token 1") as raised:
        take_dns("orders", "west", context(clock), "ben", "run-2")
    assert "runs out at 05:16:11 UTC" in raised.value.hint
    lease.check()
    lease.release()
    assert zone.values["w0"] == ('"drtool-lease 1 token=1 free"',)
    other = take_dns("orders", "west", context(clock), "ben", "run-2")
    assert other.token > lease.token
    other.release()


def test_a_dead_holders_lease_runs_out_and_the_dead_one_cannot_come_back(zone: Zone) -> None:
    clock = Movable()
    dead = take_dns("orders", "west", context(Movable()), "ann", "run-1")
    zone.passed = 65.0
    with pytest.raises(LeaseHeld):
        take_dns("orders", "west", context(clock), "ben", "run-2")
    zone.passed = 71.0
    lease = take_dns("orders", "west", context(clock), "ben", "run-2")
    assert lease.token > dead.token
    with pytest.raises(LeaseHeld, match="another's"):
        dead.check()
    dead.release()
    lease.check()
    assert "run-2" in zone.values["w0"][0]
    lease.release()


def test_a_silent_server_is_believed_until_the_record_runs_out(zone: Zone) -> None:
    clock = Movable()
    lease = take_dns("orders", "west", context(clock), "ann", "run-1")
    zone.silent.add("w0")
    clock.passed = 49.0
    lease.check()
    clock.passed = 51.0
    with pytest.raises(LeaseHeld, match="not renewed for 51 s"):
        lease.check()
    zone.silent.clear()
    with pytest.raises(LeaseHeld, match="not renewed"):
        lease.check()
    lease.release()


def test_it_is_renewed(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leasing, "SPAN", leasing.SPAN.model_copy(update={"renew": 0.01}))
    clock = Movable()
    lease = take_dns("orders", "west", context(clock), "ann", "run-1")
    before, began = zone.values["w0"], lease._renewed
    clock.passed = zone.passed = 45.0
    until = time.monotonic() + 20
    while lease._renewed < began + 44.0:
        assert time.monotonic() < until
        time.sleep(0.005)
    assert zone.values["w0"] != before
    clock.passed = 90.0
    lease.check()
    lease.release()


def test_more_than_half_of_a_sites_servers_must_agree(zone: Zone) -> None:
    clock = Movable()
    zone.silent = {"w0", "w1"}
    with pytest.raises(Unreachable, match="1 of the 3 dns servers of site west"):
        take_dns("orders", "west", context(clock, 3), "ann", "run-1")
    zone.silent = {"w2"}
    lease = take_dns("orders", "west", context(clock, 3), "ann", "run-1")
    zone.silent = {"w0"}
    with pytest.raises(LeaseHeld, match="run-1"):
        take_dns("orders", "west", context(clock, 3), "ben", "run-2")
    assert "w2" not in zone.values
    zone.silent.clear()
    lease.check()
    lease.release()


def test_what_is_no_lease_is_not_touched(zone: Zone) -> None:
    zone.values["w0"] = ('"v=spf1 -all"',)
    with pytest.raises(Refused, match="is no lease"):
        take_dns("orders", "west", context(Movable()), "ann", "run-1")
    assert zone.values == {"w0": ('"v=spf1 -all"',)}


def test_a_site_without_servers_is_named(zone: Zone) -> None:
    del zone
    with pytest.raises(BadInput, match="site north has no dns server"):
        take_dns("orders", "north", context(Movable()), "ann", "run-1")
