"""What a host must show before its server counts as unable to write."""

from __future__ import annotations

from typing import Any

import pytest

from drtool.model.postgresql_host import (
    IN_ARCHIVE_RECOVERY,
    IN_PRODUCTION,
    SHUT_DOWN,
    Control,
    HostState,
    Process,
)
from drtool.safety.identity import reason_not_same_cluster
from drtool.safety.processes import reason_able_to_write, reason_managed


def state(control_state: str = SHUT_DOWN, **changed: Any) -> HostState:
    control = Control(
        system_identifier="7412", state=control_state, checkpoint=100, redo=90, timeline=1
    )
    fields: dict[str, Any] = {
        "place": "east.orders_db", "data_directory": "/srv/pg", "directory": "/srv/pg",
        "mode": "700", "standby_signal": True, "control": control, **changed,
    }  # fmt: skip
    return HostState(**fields)


SERVER = (Process(pid=10, parent=1, state="S"), Process(pid=11, parent=10, state="S"))


def test_stopped_with_a_signal_is_fenced() -> None:
    assert reason_able_to_write(state(), "7412") is None
    assert reason_able_to_write(state(IN_PRODUCTION), "7412") is None, "killed, for good"


def test_started_again_as_a_standby_is_fenced() -> None:
    seen = state(IN_ARCHIVE_RECOVERY, processes=SERVER, postmaster=10)
    assert reason_able_to_write(seen, "7412") is None


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (state(standby_signal=False), "standby.signal is missing"),
        (state(IN_PRODUCTION, processes=SERVER, postmaster=10), "2 server processes run"),
        (state(IN_PRODUCTION, processes=SERVER[1:]), "without a postmaster"),
        (
            state(
                IN_ARCHIVE_RECOVERY,
                processes=(*SERVER, Process(pid=9, parent=1, state="R")),
                postmaster=10,
            ),
            "1 server process(es) without a postmaster",
        ),
        (
            state(IN_ARCHIVE_RECOVERY, processes=SERVER, postmaster=10, standby_signal=False),
            "in archive recovery",
        ),
        (state(hidden=(77,)), "may not look into: 77"),
        (state(control=None, control_trouble="cannot be read"), "cannot be read"),
        (state(directory=None), "its data directory is not there"),
    ],
)
def test_anything_less_is_not(seen: HostState, said: str) -> None:
    found = reason_able_to_write(seen, "7412")
    assert found is not None
    assert said in found


def test_another_cluster_and_an_unknown_one_prove_nothing() -> None:
    assert "this is another cluster" in str(reason_able_to_write(state(), "7413"))
    assert "write system_identifier" in str(reason_able_to_write(state(), None))
    assert reason_not_same_cluster("west", None, "7412") is not None
    assert reason_not_same_cluster("west", "7412", "7412") is None


def test_who_is_in_charge_is_named_with_its_verb() -> None:
    assert reason_managed(state()) is None
    assert "patroni.fence" in str(reason_managed(state(manager="patroni")))
    assert "repmgr standby switchover" in str(reason_managed(state(manager="repmgrd")))


def test_a_mode_that_no_server_starts_on() -> None:
    assert state(mode="720").held
    assert not state(mode="700").held
    assert not state(mode="750").held
    assert not state(mode="").held
