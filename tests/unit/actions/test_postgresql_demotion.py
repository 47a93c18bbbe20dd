"""What postgresql.demote says of a primary that is down, by what its standby has become."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from drtool.action import Facts
from drtool.actions.postgresql.demote import Demote, Demotion
from drtool.model.postgresql_host import SHUT_DOWN, Control, HostState, Process
from drtool.model.replication import ManagerSign, Replication

NOW = datetime(2026, 11, 23, 5, 14, tzinfo=UTC)


def demotion(**standby: Any) -> Demotion:
    """East is stopped in order, its last record begins at 5000; west as it is told."""
    told = {"in_recovery": True, "read_only": True, "timeline": 1, "system_identifier": "7412"}
    west = Replication.model_validate(
        {"place": "west", "server_version": 170000, "started_at": NOW, "now": NOW} | told | standby
    )
    control = Control(
        system_identifier="7412", state=SHUT_DOWN, checkpoint=5000, redo=5000, timeline=1
    )
    host = HostState(place="east", data_directory="/srv/pg", standby_signal=True, control=control)
    return Demotion(
        place="east", standby_place="west", at=NOW, host=host, standby=west, identity="7412",
        position=5000, received=west.received,
    )  # fmt: skip


PRIMARY = {"in_recovery": False, "read_only": False, "current": 6000}


def test_nothing_is_left_once_the_standby_has_the_last_record() -> None:
    assert Demote().changes(demotion(received=5100)) == []
    assert Demote().changes(demotion(received=5000)) != []


def test_nothing_is_left_once_the_standby_was_promoted() -> None:
    seen = demotion(**PRIMARY, timeline=2)
    assert Demote().changes(seen) == [], "a run killed after its promotion looks again"


@pytest.mark.parametrize("strange", [{"timeline": 1}, {"system_identifier": "9", "timeline": 2}])
def test_another_primary_has_not_taken_over(strange: dict[str, Any]) -> None:
    assert Demote().changes(demotion(**PRIMARY | strange)) != []


@pytest.mark.parametrize(
    ("control", "position"),
    [
        ({}, 5000),
        ({"state": "in production"}, None),
        ({"state": "shutting down"}, None),
        ({"state": "in crash recovery"}, None),
        ({"state": "shut down in recovery", "minimum_recovery": 5120}, 5119),
        ({"state": "in archive recovery", "minimum_recovery": 5000}, 5000),
        ({"state": "in archive recovery", "minimum_recovery": 9000}, 8999),
        ({"state": "in archive recovery", "minimum_recovery": 9000, "minimum_timeline": 2}, None),
    ],
)
def test_where_a_primary_ended(control: dict[str, Any], position: int | None) -> None:
    state = demotion().host
    assert state.control is not None
    left = state.model_copy(update={"control": state.control.model_copy(update=control)})
    assert left.last_record == position


def test_a_healthy_primary_is_not_stopped_where_the_promotion_would_be_refused() -> None:
    seen = demotion(received=5100)
    assert seen.host.control is not None
    control = seen.host.control.model_copy(update={"state": "in production"})
    running = seen.host.model_copy(
        update={"control": control, "processes": (Process(pid=7, parent=1, state="S"),)}
    )
    managed = seen.model_copy(
        update={
            "host": running,
            "managers": (ManagerSign(manager="repmgr", sign="the extension repmgr"),),
        }
    )
    reason = Demote().reason_not_to_apply(managed, cast("Facts", None))
    assert reason is not None
    assert reason.startswith("repmgr is in charge of west (the extension repmgr)")


@pytest.mark.parametrize("state", ["in production", "shutting down"])
def test_a_primary_that_died_in_its_fast_stop_is_not_waited_for(state: str) -> None:
    seen = demotion(received=5100)
    assert seen.host.control is not None
    control = seen.host.control.model_copy(update={"state": state})
    host = seen.host.model_copy(update={"control": control})
    dead = seen.model_copy(update={"host": host, "position": host.last_record})
    assert Demote().changes(dead) != []
    assert Demote().reason_to_wait(dead) is None
    assert dead.crashed
