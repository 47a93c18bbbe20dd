from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import pytest
from fit_world import EAST, data, scope

from drtool.clock import SystemClock
from drtool.connections.postgresql_host import PostgresqlHostReader
from drtool.connections.reach import Context, Reader
from drtool.connections.secrets import Secrets
from drtool.errors import StepFailed, Unreachable
from drtool.model.inventory import Inventory
from drtool.model.postgresql_host import HostState
from drtool.redact import Redactor
from drtool.verbs.doctor import look as looking
from drtool.verbs.doctor.examine import examine
from drtool.verbs.doctor.finding import Area, State
from drtool.verbs.doctor.look import look
from drtool.verbs.doctor.scope import Other, Scope
from drtool.verbs.doctor.seen import Seen


class Odd(Reader):
    """Three doors: one opens, one hangs, one does what nobody foresaw."""

    closed: list[str] = []
    let_go = threading.Event()

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        if target == "hangs":
            cls.let_go.wait()
        if target == "odd":
            raise ZeroDivisionError("by design")
        return cls()

    def close(self) -> None:
        self.closed.append("closed")


def seen_of(others: tuple[Other, ...], tmp_path: Path) -> Seen:
    empty = Inventory.model_validate({"version": 1, "services": {}, "sites": {}})
    context = Context(empty, Secrets(Redactor(), tmp_path), SystemClock())
    return look(Scope(empty, "RUNBOOK", "inventory.yaml", others), context)


def test_what_hangs_or_is_odd_keeps_nobody_from_being_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LIMIT_SECONDS", 0.2)
    found = seen_of(((Odd, "opens"), (Odd, "hangs"), (Odd, "odd")), tmp_path).others
    Odd.let_go.set()
    assert found[Odd, "opens"] is None
    assert Odd.closed
    assert isinstance(found[Odd, "hangs"], Unreachable)
    odd = found[Odd, "odd"]
    assert isinstance(odd, StepFailed)
    assert odd.found == "could not be looked at: ZeroDivisionError: by design"


def test_a_scope_without_addresses_touches_nothing(tmp_path: Path) -> None:
    assert scope().servers
    found = seen_of((), tmp_path)
    assert not found.hosts
    assert not found.primaries


def test_without_a_document_this_machine_alone_is_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRTOOL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    found = examine(None, None, ())
    assert {one.area for one in found.findings} <= {
        Area.MACHINE, Area.JOURNAL, Area.CLOCKS, Area.PREFECT,
    }  # fmt: skip
    assert found.exit_code == 0
    assert found.count(State.PROBLEM) == 0
    assert not (tmp_path / "home").exists()


class Ending(PostgresqlHostReader):
    """A host where one server is just ending, and another is somebody's that we may not see."""

    def __init__(self) -> None:
        self.shown = [(7, 8), (8, 9), (9,)]

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        return cls()

    def state(self, *, wal: bool = False, seconds: float = 5.0) -> HostState:
        return data(EAST, hidden=self.shown.pop(0))

    def close(self) -> None:
        pass


def test_a_server_that_is_just_ending_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "PostgresqlHostReader", Ending)
    context = Context(scope().inventory, Secrets(Redactor(), tmp_path), SystemClock())
    assert looking._Looking(scope(), context).data(EAST).hidden == (8,)
