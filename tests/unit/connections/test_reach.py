"""Connections end together, also those that are opened late."""

from __future__ import annotations

import threading
from typing import Any, ClassVar, Self

import pytest

from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context, Reader
from drtool.connections.secrets import Secrets
from drtool.errors import Unreachable
from drtool.model.inventory import Inventory
from drtool.redact import Redactor


class Slow(Reader):
    """Opens when it may."""

    may, opening = threading.Event(), threading.Event()
    made: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        self.closed = False

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        cls.opening.set()
        assert cls.may.wait(10)
        cls.made.append(made := cls())
        return made

    def close(self) -> None:
        self.closed = True


def test_one_that_opens_while_all_are_closed_is_closed_too() -> None:
    inventory = Inventory.model_validate({"version": 1, "services": {}, "sites": {}})
    connections = Connections(Context(inventory, Secrets(Redactor()), SystemClock()))
    told: list[str] = []

    def late() -> None:
        try:
            connections.get(Slow, "east.db")
        except Unreachable as error:
            told.append(error.found)

    thread = threading.Thread(target=late)
    thread.start()
    assert Slow.opening.wait(10)
    connections.close()
    Slow.may.set()
    thread.join(10)
    assert told == ["came after all connections were closed"]
    assert [one.closed for one in Slow.made] == [True]
    with pytest.raises(Unreachable):
        connections.get(Slow, "east.db")
