"""Primaries that answer and take no write: F45, F46. The write probe catches them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from driven import facts_of
from fault_record import Fault
from postgresql_pair import Pair, Server, both_releases, wait_until
from small_disk import on_a_disk_of_its_own, small_disk

from drtool.action import Hands
from drtool.actions.postgresql.write_probe import Probe, WriteProbe
from drtool.errors import DrtoolError, StepFailed
from drtool.units import Duration

pytestmark = pytest.mark.faults
LIMIT = 1.0


def probe(pair: Pair, site: str) -> Probe:
    connections = pair.connections()
    try:
        action = WriteProbe(limit=Duration(LIMIT))
        return action.run(Hands(connections, facts_of(pair.inventory(), site)))
    finally:
        connections.close()


@contextmanager
def hanging_commit(server: Server) -> Iterator[None]:
    """Somebody's commit that waits for the standby, as everybody's does."""

    def commit() -> None:
        with suppress(psycopg.Error), psycopg.connect(server.conninfo) as session:
            session.execute("CREATE TABLE hangs ()")

    waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    customer = threading.Thread(target=commit, daemon=True)
    customer.start()
    wait_until(lambda: server.sql(waits) == [(1,)])
    yield
    customer.join(20)


@both_releases
def test_f45_a_commit_that_waits_for_a_standby_that_hangs_is_no_write(
    pair: Pair, fault: Fault
) -> None:
    east, west = pair.east, pair.west
    probe(pair, "east")
    east.sql("ALTER SYSTEM SET synchronous_standby_names = 'west'")
    east.sql("SELECT pg_reload_conf()")
    wait_until(lambda: east.sql("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
    receiver = west.child_named("walreceiver")
    os.kill(receiver, signal.SIGSTOP)
    with hanging_commit(east):
        fault.injected("the synchronous standby is frozen, and a commit waits for it")
        began = time.monotonic()
        with pytest.raises(DrtoolError) as failed:
            probe(pair, "east")
        assert time.monotonic() - began < LIMIT + 5
        fault.got(failed.value.line())
        os.kill(receiver, signal.SIGCONT)
    probe(pair, "east")
    assert east.sql("SELECT count(*) FROM drtool.write_probe") == [(0,)]


def test_f46_a_full_disk_on_the_new_primary_is_found_by_the_write_probe(
    pair: Pair, tmp_path: Path, fault: Fault
) -> None:
    with small_disk(tmp_path / "disk", 256) as disk:
        if isinstance(disk, str):
            fault.cannot_inject(disk)
            return
        on_a_disk_of_its_own(pair.west, disk)
        pair.catch_up()
        pair.east.cut_power()
        pair.west.sql("SELECT pg_promote()")
        taken = disk.fill()
        assert disk.full
        fault.injected(f"the last {taken >> 20} MB of the new primary's disk are taken")
        assert pair.west.sql("SELECT pg_is_in_recovery()") == [(False,)], "it answers as a primary"
        with pytest.raises(StepFailed, match="No space left on device") as failed:
            probe(pair, "west")
        fault.got(failed.value.line())
        pair.west.cut_power()
