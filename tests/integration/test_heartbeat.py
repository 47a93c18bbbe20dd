"""The heartbeat follows the primary, whatever happens to the servers."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest
from postgresql_pair import Pair, Server, wait_until

from drtool.connections.heartbeat import Heartbeat
from drtool.errors import BadInput
from drtool.units import Duration


def newest(server: Server) -> datetime | None:
    if server.sql("SELECT to_regclass('drtool.heartbeat')") == [(None,)]:
        return None
    found = server.sql("SELECT max(written_at) FROM drtool.heartbeat WHERE service = 'orders'")
    return found[0][0] if isinstance(found[0][0], datetime) else None


def is_newer(server: Server, than: datetime) -> bool:
    at = newest(server)
    return at is not None and at > than


def test_it_follows_the_primary_and_is_quiet_about_an_outage(pair: Pair) -> None:
    told: list[str] = []
    stop = threading.Event()
    heartbeat = Heartbeat(pair.context(), "orders", Duration(0.1), told.append)
    thread = threading.Thread(target=heartbeat.run, args=(stop,), daemon=True)
    thread.start()
    try:
        wait_until(lambda: newest(pair.west))
        began = datetime.now(UTC)
        wait_until(lambda: is_newer(pair.west, began))
        found = pair.east.sql("SELECT service, position > '0/0', synchronous FROM drtool.heartbeat")
        assert found == [("orders", True, [])]
        pair.east.cut_power()
        wait_until(lambda: any("east.orders_db: does not answer" in line for line in told))
        pair.west.sql("SELECT pg_promote()")
        since = datetime.now(UTC)
        wait_until(lambda: is_newer(pair.west, since))
        assert sum("does not answer" in line for line in told) == 1
        assert told[-1] == "west.orders_db: primary: writing heartbeats"
    finally:
        ended = time.monotonic()
        stop.set()
        thread.join(timeout=10)
    assert not thread.is_alive()
    assert time.monotonic() - ended < 4


def test_the_row_names_the_standbys_that_the_primary_waits_for(pair: Pair) -> None:
    pair.east.sql("ALTER SYSTEM SET synchronous_standby_names = 'west'")
    pair.east.sql("SELECT pg_reload_conf()")
    wait_until(lambda: pair.east.sql("SELECT sync_state FROM pg_stat_replication") == [("sync",)])
    stop = threading.Event()
    heartbeat = Heartbeat(pair.context(), "orders", Duration(0.1))
    thread = threading.Thread(target=heartbeat.run, args=(stop,), daemon=True)
    thread.start()
    try:
        wait_until(lambda: newest(pair.west))
        assert pair.west.sql("SELECT synchronous FROM drtool.heartbeat") == [(["west"],)]
    finally:
        stop.set()
        thread.join(timeout=10)


def test_an_unknown_service_is_refused(pair: Pair) -> None:
    with pytest.raises(BadInput, match="not in the inventory"):
        Heartbeat(pair.context(), "invoices")
