from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import pytest

from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context, Reader
from drtool.connections.secrets import Secrets
from drtool.errors import AccessDenied, Unreachable
from drtool.model.inventory import Inventory
from drtool.redact import Redactor
from drtool.verbs import preflight
from drtool.verbs.preflight import Call, Wanted, open_all


class Door(Reader):
    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        if target == "locked":
            raise AccessDenied(target, "wrong key")
        return cls()


@pytest.fixture
def connections(tmp_path: Path) -> Connections:
    inventory = Inventory.model_validate({"version": 1, "services": {}, "sites": {}})
    return Connections(Context(inventory, Secrets(Redactor(), tmp_path), SystemClock()))


def test_what_cannot_be_opened_is_told_in_the_order_given(connections: Connections) -> None:
    missed = open_all(connections, [Wanted(Door, "open"), Wanted(Door, "locked")])
    assert [(miss.wanted.target, miss.error.line()) for miss in missed] == [
        ("locked", "locked: wrong key")
    ]


def test_nothing_waits_for_a_dead_old_site(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "OLD_SITE_SECONDS", 0.05)
    hang = threading.Event()
    monkeypatch.setattr(Door, "open", lambda *_: hang.wait())
    missed = open_all(connections, [Wanted(Door, "east", spare=True)])
    hang.set()
    assert missed[0].error.line() == "east: did not answer in time"


def test_a_call_gives_its_result_or_its_error() -> None:
    def fail() -> int:
        raise Unreachable("west", "no route")

    assert Call("a", lambda: 7).result(5) == 7
    error = Call("b", fail).result(5)
    assert isinstance(error, Unreachable)
