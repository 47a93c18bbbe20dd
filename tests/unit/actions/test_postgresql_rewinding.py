"""Why a server is copied and not rewound, from values alone."""

from __future__ import annotations

from typing import Any

import pytest

from drtool.actions.postgresql.rewinding import reason_no_rewind, tried_in_vain
from drtool.model.lineage import Lineage, Tail
from drtool.model.postgresql_host import SHUT_DOWN, Control, HostState

CONTROL = Control(
    system_identifier="7412", state=SHUT_DOWN, checkpoint=0x5000028, redo=0x5000028, timeline=1,
    checksums=True,
)  # fmt: skip
LINEAGE = Lineage(timeline=2, oldest_segment="0000000000000005")
TAIL = Tail(timeline=1, position=0x5000060, records=3)


def host(**changed: Any) -> HostState:
    return HostState(
        **{"place": "east.db", "data_directory": "/srv/pg", "control": CONTROL, **changed}
    )


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        ({}, ""),
        ({"checksums": False, "wal_log_hints": True}, ""),
        ({"checksums": False}, "neither data checksums nor wal_log_hints"),
        (
            {"redo": 0x4FFFFFF},
            "it needs WAL from 0000000000000004 on, and the source has it from 0000000000000005 on",
        ),
    ],
)
def test_a_diverged_server(control: dict[str, Any], reason: str) -> None:
    seen = host(control=CONTROL.model_copy(update=control))
    found = reason_no_rewind(seen, LINEAGE, TAIL, diverged=True)
    assert reason in found
    assert bool(found) == bool(reason)


def test_a_server_that_only_follows_needs_no_checksums_but_all_of_the_wal() -> None:
    plain = CONTROL.model_copy(update={"checksums": False})
    assert reason_no_rewind(host(control=plain), LINEAGE, None, diverged=False) == ""
    late = LINEAGE.model_copy(update={"oldest_segment": "0000000000000006"})
    assert "it needs WAL" in reason_no_rewind(host(control=plain), late, None, diverged=False)


def test_half_a_data_directory() -> None:
    assert "cut off" in reason_no_rewind(host(mode="720", control=None), LINEAGE, None,
                                         diverged=False)  # fmt: skip


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("drtool run r.1: no rewind: pg_rewind: error: no common ancestor", "pg_rewind: error"),
        ("drtool run r.1: no rewind: connection to server failed: FATAL", ""),
        ("drtool run rx1: no rewind: pg_rewind: error: no common ancestor", ""),
        ("drtool run r.1: follows west.db", ""),
    ],
)
def test_only_this_runs_own_rewind_counts_and_no_trouble_with_the_connection(
    note: str, said: str
) -> None:
    found = tried_in_vain(host(note=note), "r.1")
    assert found.startswith(said)
    assert bool(found) == bool(said)
