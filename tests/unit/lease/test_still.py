from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from drtool.action import Facts, Hands
from drtool.clock import SystemClock, seconds_suspended
from drtool.connections.reach import Connections, Context, Reader, Writer
from drtool.connections.secrets import Secrets
from drtool.connections.slack import SlackHands
from drtool.connections.token_guard import TokenGuard
from drtool.errors import LeaseHeld
from drtool.lease.lease import Lease, lost
from drtool.lease.still import Still
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.purpose import Mode, Procedure
from drtool.redact import Redactor


class Movable(SystemClock):
    passed = 0.0

    def monotonic(self) -> float:
        return self.passed


class Held:
    """A lease that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.loss: LeaseHeld | None = None

    def check(self) -> None:
        self.asked += 1
        if self.loss is not None:
            raise self.loss


def test_the_engines_own_check_always_asks_and_counts_as_fresh(held: Held, clock: Movable) -> None:
    still = Still(cast("Lease", held), clock)
    still.check()
    still.check()
    assert held.asked == 2
    clock.passed = 60.0
    still.check()
    still()
    assert held.asked == 3
    clock.passed = 62.0
    still()
    assert held.asked == 4


def test_an_answer_from_before_the_machine_slept_is_not_fresh(
    held: Held, clock: Movable, monkeypatch: pytest.MonkeyPatch
) -> None:
    still, asleep = Still(cast("Lease", held), clock), seconds_suspended()
    still.check()
    monkeypatch.setattr("drtool.clock.seconds_suspended", lambda: asleep + 3600.0)
    held.loss = lost("orders", "dns w0", "another's")
    with pytest.raises(LeaseHeld):
        still()


class Reads(Reader):
    @classmethod
    def open(cls, target: str, context: Context) -> Any:
        return cls()


class Writes(Writer):
    @classmethod
    def open(cls, target: str, context: Context) -> Any:
        return cls()


@pytest.fixture
def clock() -> Movable:
    return Movable()


@pytest.fixture
def held() -> Held:
    return Held()


def hands(held: Held, clock: Movable) -> Hands:
    inventory = Inventory.model_validate({"version": 1, "services": {}, "sites": {}})
    facts = Facts(
        run="run-1",
        mode=Mode.LIVE,
        procedure=Procedure.FAILOVER,
        service="orders",
        inventory=inventory,
        direction=Direction(to_site="west"),
        started=datetime.now(UTC),
    )
    context = Context(inventory, Secrets(Redactor()), clock)
    return Hands(Connections(context), facts, None, Still(cast("Lease", held), clock))


def test_a_long_effect_asks_again_before_each_writer_but_not_all_the_time(
    held: Held, clock: Movable
) -> None:
    made = hands(held, clock)
    made.reach(Writes, "a")
    assert held.asked == 0, "the engine has asked a moment ago"
    clock.passed = 1.5
    made.reach(Reads, "a")
    assert held.asked == 0
    made.reach(Writes, "a")
    made.reach(Writes, "a")
    assert held.asked == 1
    clock.passed = 10.0
    held.loss = lost("orders", "dns w0", "another's")
    with pytest.raises(LeaseHeld):
        made.reach(Writes, "a")
    with pytest.raises(LeaseHeld):
        made.aside(made.facts.at).reach(Writes, "a")  # type: ignore[arg-type]


def test_people_are_told_all_the_same() -> None:
    assert Writer.needs_lease
    assert not SlackHands.needs_lease


def test_a_command_on_a_host_asks_too_and_only_a_run_with_tokens_is_guarded(
    held: Held, clock: Movable
) -> None:
    guard = TokenGuard("orders", lambda: ())
    guard.still = Still(cast("Lease", held), clock)
    assert guard.argv("/var/tmp/drtool", ["true"]) == ["true"]
    clock.passed = 5.0
    held.loss = lost("orders", "dns w0", "another's")
    with pytest.raises(LeaseHeld):
        guard.argv("/var/tmp/drtool", ["true"])
    marked = TokenGuard("orders", lambda: (("dns.west", "000000000007"),))
    words = marked.argv("/var/tmp/drtool", ["touch", "x"])
    assert words[4:] == [
        "/var/tmp/drtool/tokens/orders",
        "1",
        "dns.west",
        "000000000007",
        "touch",
        "x",
    ]
