"""L18: a standby that streams happily, and does so from the old primary, after a failover."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fault_record import Fault
from postgresql_pair import Pair, Server, wait_until

from drtool.action import Facts, Look
from drtool.actions.postgresql.data_loss import CheckDataLoss
from drtool.actions.postgresql.in_sync import CheckInSync
from drtool.actions.postgresql.reinstatement import follows
from drtool.connections.postgresql import PostgresqlReader
from drtool.model.place import Direction, Place
from drtool.model.plan import Objectives
from drtool.model.purpose import Mode, Procedure
from drtool.units import Duration

pytestmark = pytest.mark.faults


@pytest.fixture
def forgotten(pair: Pair, tmp_path: Path) -> Pair:
    """East's other server still follows old east, when west has been promoted; old east lives."""
    east, west = pair.east, pair.west
    east.sql("CREATE TABLE orders (id int PRIMARY KEY)")
    third = Server("east", tmp_path / "third", east.port, east.password, east.programs)
    third.address = "127.0.3.1"
    east.tool("pg_basebackup", "-d", f"{east.conninfo} application_name=third",
              "-D", str(third.data), "-R", "-C", "-S", "third", "-X", "stream", "-c", "fast",
              "--no-sync")  # fmt: skip
    pair.others.append(third)
    third.start()
    pair.catch_up()
    west.sql("SELECT pg_promote()")
    wait_until(lambda: west.sql("SELECT pg_is_in_recovery()") == [(False,)])
    # more than the new primary has, so that no comparison of positions alone can tell
    east.sql("INSERT INTO orders SELECT generate_series(1, 20000)")
    west.sql("INSERT INTO orders VALUES (-1)")
    ahead = east.sql("SELECT pg_current_wal_lsn()::text")[0][0]
    wait_until(lambda: third.sql("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", ahead)[0][0])
    return Pair(pair.directory, third, west)


def look_at(forgotten: Pair, procedure: Procedure, direction: Direction) -> Iterator[Look]:
    """A look at the standby that should follow west."""
    connections = forgotten.connections()
    facts = Facts(
        run="test-run", step="step", mode=Mode.LIVE, procedure=procedure, service="orders",
        inventory=connections.context.inventory, direction=direction,
        at=Place(site="east", system="orders_db"), objectives=Objectives(rpo=Duration(10)),
        started=datetime.now(UTC),
    )  # fmt: skip
    yield Look(connections, facts)
    connections.close()


@pytest.fixture(params=[Procedure.REPROTECT, Procedure.SWITCHOVER])
def look(request: pytest.FixtureRequest, forgotten: Pair) -> Iterator[Look]:
    procedure: Procedure = request.param
    back = Direction(from_site="west", to_site="east")
    away = Direction(from_site="east", to_site="west")
    direction = back if procedure is Procedure.SWITCHOVER else away
    yield from look_at(forgotten, procedure, direction)


def test_l18_a_standby_of_the_old_primary_is_neither_in_step_nor_in_sync(
    forgotten: Pair, look: Look, fault: Fault
) -> None:
    streaming = forgotten.east.sql("SELECT status, sender_host FROM pg_stat_wal_receiver")
    assert streaming == [("streaming", "127.0.1.1")]
    ahead = forgotten.west.sql("SELECT pg_current_wal_lsn()::text")[0][0]
    replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
    assert forgotten.east.sql(replayed, ahead) == [(True,)]
    fault.injected("it streams from 127.0.1.1, and its position is beyond the new primary's")
    check = CheckDataLoss(max=Duration(0))
    reason = check.judge(check.observe(look), look.facts)
    assert reason, "nothing of the new primary's was ever received"
    compared = CheckInSync(tables=("public.orders",))
    differs = compared.judge(compared.observe(look), look.facts)
    assert differs
    fault.got(f"{reason}; {differs}")


def test_l18_it_is_not_taken_for_reprotected(forgotten: Pair, fault: Fault) -> None:
    away = Direction(from_site="east", to_site="west")
    for look in look_at(forgotten, Procedure.REPROTECT, away):
        fault.injected(str(forgotten.east.sql("SELECT sender_host FROM pg_stat_wal_receiver")))
        standby = look.reach(PostgresqlReader, "east.orders_db").replication()
        source = look.reach(PostgresqlReader, "west.orders_db").replication()
        assert standby.streaming
        assert standby.system_identifier == source.system_identifier
        assert not follows(standby, source, look.facts)
        fault.got("it streams, and does not follow the new primary: there is work left to do")
