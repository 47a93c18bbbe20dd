"""A lease is handed to another run without a moment in which a third could take it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drtool.clock import SystemClock
from drtool.errors import LeaseHeld
from drtool.lease.handing import handed_over
from drtool.lease.local import LocalLease, take_local
from drtool.lease.pair import PairLease


def taken(home: Path, run: str, service: str = "orders") -> LocalLease:
    return take_local(service, home, SystemClock(), "ann", run)


def test_the_lock_and_the_token_stay_and_the_next_run_is_named(tmp_path: Path) -> None:
    lease = taken(tmp_path, "r1")
    token = lease.token
    handed = handed_over(lease, "r2")
    handed.check()
    assert (handed.token, handed.holder) == (token, "ann")
    with pytest.raises(LeaseHeld, match="run r2"):
        taken(tmp_path, "r3")
    handed.release()
    taken(tmp_path, "r3").release()


def test_of_a_pair_the_one_that_decides_is_kept(tmp_path: Path) -> None:
    first, second = taken(tmp_path, "r1"), taken(tmp_path, "r1", "other")
    pair = PairLease(first, second, lambda: taken(tmp_path, "r1", "other"))
    handed = handed_over(pair, "r2")
    assert handed is first
    handed.check()
    taken(tmp_path, "r3", "other").release()
    with pytest.raises(LeaseHeld, match="run r2"):
        taken(tmp_path, "r3")
    handed.release()
