"""The faults of a promotion, each injected into real PostgreSQL servers."""

from __future__ import annotations

import copy
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from fault_record import Fault
from postgresql_pair import Pair, Server, both_releases, new_cluster, wait_until

from drtool.action import Facts, Hands, Look
from drtool.actions.postgresql.data_loss import CheckDataLoss
from drtool.actions.postgresql.in_sync import CheckInSync
from drtool.actions.postgresql.promote import Promote
from drtool.actions.postgresql.promotion import Promotion
from drtool.connections.postgresql import PostgresqlReader, PostgresqlSession
from drtool.errors import BadInput, StepFailed
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.plan import Objectives
from drtool.model.proof import AcceptedLoss, Proof, ProofKind
from drtool.model.purpose import Mode, Procedure
from drtool.safety.loss import OUTAGE_TOLERANCE
from drtool.units import Duration

pytestmark = pytest.mark.faults
EAST, WEST = "east.orders_db", "west.orders_db"


class Story:
    """A failover from east to west, as far as the promotion sees it."""

    def __init__(self, pair: Pair, **changed: object) -> None:
        self.pair = pair
        self.identifier = str(
            pair.east.sql("SELECT system_identifier::text FROM pg_control_system()")[0][0]
        )
        self.connections = pair.connections(**changed)
        self.opened = [self.connections]
        self.outage: datetime | None = None
        self.proofs: tuple[Proof, ...] = ()
        self.accepted: AcceptedLoss | None = None
        self.procedure = Procedure.FAILOVER
        self.rpo = Duration(10)
        pair.east.sql("CREATE TABLE orders (id int PRIMARY KEY, note text)")
        self.beat()
        pair.catch_up()

    def retold(self, **changed: object) -> Story:
        """The same, seen with connections of its own."""
        other = copy.copy(self)
        other.connections = self.pair.connections(**changed)
        self.opened.append(other.connections)
        return other

    def session(self, place: str = WEST) -> PostgresqlSession:
        """A session of its own, as the arbiter has."""
        connections = self.pair.connections()
        self.opened.append(connections)
        return connections.get(PostgresqlSession, place)

    def beat(self) -> None:
        session = self.session(EAST)
        session.create_heartbeat_table()
        session.write_heartbeat("orders")

    def cut_power(self) -> None:
        """The outage: east is gone, with proof."""
        self.outage = datetime.now(UTC)
        self.pair.east.cut_power()
        self.fence()

    def fence(self) -> None:
        self.proofs = (
            Proof(
                kind=ProofKind.PROCESSES, subject=EAST, identity=self.identifier,
                evidence="no server process left", at=datetime.now(UTC), max_age=Duration(60),
                durable=True,
            ),
        )  # fmt: skip

    @property
    def facts(self) -> Facts:
        inventory: Inventory = self.connections.context.inventory
        return Facts(
            run="test-run", step="promote", mode=Mode.LIVE, procedure=self.procedure,
            service="orders", inventory=inventory,
            direction=Direction(from_site="east", to_site="west"),
            at=Place(site="west", system="orders_db"), objectives=Objectives(rpo=self.rpo),
            started=datetime.now(UTC), outage_start=self.outage, proofs=self.proofs,
            accepted_loss=self.accepted,
        )  # fmt: skip

    @property
    def look(self) -> Look:
        return Look(self.connections, self.facts)

    def hands(self, arbiter: PostgresqlSession | None = None) -> Hands:
        return Hands(self.connections, self.facts, arbiter)

    def seen(self, action: Promote | None = None) -> Promotion:
        return (action or Promote()).observe(self.look)

    def refusal(self, action: Promote | None = None) -> str:
        """Why the promotion is refused; there must be something to change."""
        action = action or Promote()
        seen = action.observe(self.look)
        assert action.changes(seen)
        return action.reason_not_to_apply(seen, self.facts) or ""

    def promote(self, arbiter: PostgresqlSession | None = None) -> Promotion:
        """Observe, guard, apply, observe, as the engine does."""
        action = Promote()
        seen = action.observe(self.look)
        changes = action.changes(seen)
        assert action.reason_to_wait(seen) is None
        assert action.reason_not_to_apply(seen, self.facts) is None
        action.apply(self.hands(arbiter), changes)
        seen = action.observe(self.look)
        assert action.changes(seen) == []
        return seen

    def still_standby(self) -> bool:
        return self.pair.west.sql("SELECT pg_is_in_recovery()") == [(True,)]


@pytest.fixture
def story(pair: Pair) -> Iterator[Story]:
    told = Story(pair)
    yield told
    for connections in told.opened:
        connections.close()


@both_releases
def test_a_fenced_primary_is_succeeded_within_moments(story: Story) -> None:
    arbiter = story.session()
    assert arbiter.try_lock(7)
    story.cut_power()
    action = Promote()
    began = time.monotonic()
    before = action.observe(story.look)
    assert before.loss.seconds is not None
    assert before.loss.seconds < 5
    assert action.reason_not_to_apply(before, story.facts) is None
    at_apply = time.monotonic()
    action.apply(story.hands(arbiter), action.changes(before))
    applied = time.monotonic()
    after = action.observe(story.look)
    done = time.monotonic()
    assert (after.role, after.timeline, action.changes(after)) == ("primary", 2, [])
    assert (at_apply - began) + (done - applied) < 0.1
    assert done - began < 2
    assert arbiter.holds(7)
    story.pair.west.sql("INSERT INTO orders VALUES (1, 'after')")


@both_releases
def test_synchronous_standby_names_are_emptied_or_every_commit_would_hang(story: Story) -> None:
    story.pair.west.sql("ALTER SYSTEM SET synchronous_standby_names = 'east'")
    story.pair.west.sql("SELECT pg_reload_conf()")
    wait_until(lambda: story.pair.west.sql("SHOW synchronous_standby_names") == [("east",)])
    story.cut_power()
    shown = [str(change) for change in Promote().changes(story.seen())]
    assert any("synchronous_standby_names: 'east' -> ''" in line for line in shown)
    story.promote()
    with psycopg.connect(story.pair.west.conninfo) as session:
        session.execute("SET statement_timeout = 3000")
        session.execute("INSERT INTO orders VALUES (1, 'commits')")
        session.commit()


def test_no_promotion_without_a_fence(story: Story) -> None:
    assert "no fence of east.orders_db" in story.refusal()
    story.cut_power()
    story.proofs = tuple(
        proof.model_copy(update={"at": proof.at - timedelta(minutes=5)}) for proof in story.proofs
    )
    assert "old and good for" in story.refusal()
    assert story.still_standby()


def test_f34_lag_over_the_rpo_is_refused_with_numbers(story: Story, fault: Fault) -> None:
    walsender = story.pair.east.child_named("walsender")
    os.kill(walsender, signal.SIGSTOP)
    story.pair.east.sql("INSERT INTO orders VALUES (1, 'never received')")
    story.cut_power()
    assert story.pair.west.sql("SELECT * FROM orders") == []
    fault.injected("an order never left the primary, and its power is cut")
    assert story.outage is not None
    story.outage += timedelta(seconds=30)
    reason = story.refusal()
    assert "would lose 3" in reason
    fault.got(reason)
    assert "more than the 10.0 s that is allowed" in reason
    story.accepted = AcceptedLoss(at_most=Duration(20), by="operator", reason="drill")
    assert "more than the 20.0 s that operator accepted" in story.refusal()
    assert story.still_standby()
    story.accepted = AcceptedLoss(at_most=Duration(60), by="operator", reason="drill")
    story.promote()


def test_f34_a_planned_promotion_loses_nothing_at_all(story: Story, fault: Fault) -> None:
    story.procedure = Procedure.SWITCHOVER
    story.pair.east.stop()
    story.fence()
    reason = story.refusal()
    assert story.still_standby()
    fault.injected("the primary is stopped, and its last position is not known")
    assert "more than the 0.00 s that is allowed" in reason
    fault.got(reason)
    control = story.pair.east.tool("pg_controldata", "-D", str(story.pair.east.data))
    high, low = next(
        line.split()[-1].split("/")
        for line in control.splitlines()
        if line.startswith("Latest checkpoint location")
    )
    final = (int(high, 16) << 32) + int(low, 16)
    proof = story.proofs[0]
    story.proofs = (proof.model_copy(update={"final_position": final}),)
    seen = story.promote()
    assert seen.role == "primary"


def cut_off(west: Server) -> None:
    """Nothing reaches the standby any more."""
    west.sql("ALTER SYSTEM SET primary_conninfo = 'host=127.0.1.1 port=1'")
    west.sql("SELECT pg_reload_conf()")
    wait_until(lambda: west.sql("SELECT count(*) FROM pg_stat_wal_receiver") == [(0,)])


def test_f34_a_primary_that_answered_after_the_told_start_of_the_outage_lost_more(
    story: Story, fault: Fault
) -> None:
    cut_off(story.pair.west)
    told = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) - told > 2 * OUTAGE_TOLERANCE)
    story.pair.east.sql("INSERT INTO orders VALUES (1, 'lost')")
    sampled = story.connections.get(PostgresqlReader, EAST)
    assert sampled.replication().current is not None
    story.cut_power()
    story.outage, story.rpo = told, Duration(OUTAGE_TOLERANCE.total_seconds())
    fault.injected(f"an order after the told start of the outage; then seen: {sampled.sample}")
    reason = story.refusal()
    assert "more than the 1.00 s that is allowed" in reason
    assert "until the proven fence" in story.seen().loss.source
    fault.got(reason)


@both_releases
def test_f35_lag_unknown_is_refused_unless_the_last_sample_is_good(
    story: Story, fault: Fault
) -> None:
    story.pair.east.sql("DROP TABLE drtool.heartbeat")
    story.pair.east.sql("CHECKPOINT")
    story.pair.catch_up()
    story.pair.west.sql("CHECKPOINT")
    story.pair.west.stop()
    story.pair.west.start()
    wait_until(lambda: story.pair.west.sql("SELECT 1 FROM pg_stat_wal_receiver"))
    assert story.pair.west.sql("SELECT pg_last_xact_replay_timestamp()") == [(None,)]
    fault.injected("there is no heartbeat, and no commit time at the candidate")
    unsampled = story.retold()
    sampled = story.connections.get(PostgresqlReader, EAST).replication()
    assert sampled.current is not None
    wait_until(
        lambda: (
            (story.connections.get(PostgresqlReader, WEST).replication().received or 0)
            >= (sampled.current or 0)
        )
    )
    story.cut_power()
    unsampled.outage, unsampled.proofs = story.outage, story.proofs
    reason = unsampled.refusal()
    assert "is unknown: no heartbeat row was received" in reason
    fault.got(reason)
    unsampled.accepted = AcceptedLoss(at_most=Duration(3600), by="operator", reason="drill")
    assert "is unknown" in unsampled.refusal()
    unsampled.accepted = AcceptedLoss(at_most="unknown", by="operator", reason="drill")
    assert unsampled.refusal() == ""
    seen = story.seen()
    assert "position sampled" in seen.loss.source
    assert "ago" in seen.loss.source
    assert seen.loss.seconds is not None
    assert seen.loss.seconds < 10
    story.promote()


@both_releases
def test_f36_l16_a_paused_replay_is_found_before_the_promotion(story: Story, fault: Fault) -> None:
    story.pair.west.sql("SELECT pg_wal_replay_pause()")
    wait_until(
        lambda: story.pair.west.sql("SELECT pg_get_wal_replay_pause_state()") == [("paused",)]
    )
    story.pair.east.sql("INSERT INTO orders VALUES (1, 'received, not replayed')")
    target = story.pair.east.sql("SELECT pg_current_wal_lsn()::text")[0][0]
    wait_until(
        lambda: story.pair.west.sql("SELECT pg_last_wal_receive_lsn() >= %s::pg_lsn", target)[0][0]
    )
    story.cut_power()
    assert "replay is paused at west.orders_db" in story.refusal()
    check = CheckDataLoss()
    loss = check.observe(story.look)
    assert loss.received_not_replayed_bytes > 0
    fault.injected("replay is paused, and what was received is not replayed")
    assert "replay is paused" in (check.judge(loss, story.facts) or "")
    assert story.still_standby()
    story.pair.west.sql("SELECT pg_wal_replay_resume()")
    wait_until(lambda: story.pair.west.sql("SELECT count(*) FROM orders") == [(1,)])
    story.promote()


@both_releases
def test_f37_promoted_twice_is_adopted(story: Story, fault: Fault) -> None:
    story.cut_power()
    story.pair.west.sql("SELECT pg_promote()")
    assert not story.still_standby()
    fault.injected("somebody else has promoted the candidate")
    seen = story.seen()
    assert Promote().changes(seen) == []
    assert seen.timeline == 2
    session = story.session()
    assert session.promote()
    assert session.replication().timeline == 2


@both_releases
def test_f38_a_promotion_that_takes_long_is_polled(story: Story, fault: Fault) -> None:
    story.cut_power()
    startup = story.pair.west.child_named("startup")
    os.kill(startup, signal.SIGSTOP)
    action = Promote()
    seen = action.observe(story.look)
    session = story.session()
    assert not session.promote(seconds=0.3)
    fault.injected("the startup process is frozen, and the call has run out")
    again = action.observe(story.look)
    assert action.changes(again)
    assert action.reason_not_to_apply(again, story.facts) is None
    os.kill(startup, signal.SIGCONT)
    action.apply(story.hands(session), action.changes(seen))
    assert action.changes(action.observe(story.look)) == []


def test_f39_l13_a_standby_of_another_cluster_is_refused(
    pair: Pair, story: Story, fault: Fault
) -> None:
    other = new_cluster(pair.directory, "other", pair.west.port, pair.west.password)
    pair.west.stop()
    other.site, other.address = "other", "127.0.2.1"
    (other.data / "standby.signal").touch()
    with (other.data / "postgresql.conf").open("a") as settings:
        settings.write("max_connections=100\n")
    pair.others.append(other)
    other.start()
    found = other.sql(
        "SELECT system_identifier::text, pg_is_in_recovery() FROM pg_control_system()"
    )
    assert found != [(story.identifier, True)]
    assert found[0][1] is True
    fault.injected("the candidate is a standby of another cluster")
    story.cut_power()
    reason = story.refusal()
    assert f"its system identifier is {found[0][0]}" in reason
    assert f"expected {story.identifier}: this is another cluster" in reason
    fault.got(reason)
    named = story.retold(system_identifier=story.identifier)
    assert "this is another cluster" in named.refusal()
    story.proofs = ()
    assert "write system_identifier into the inventory" in story.refusal()
    assert other.sql("SELECT pg_is_in_recovery()") == [(True,)]


@both_releases
def test_f40_a_standby_that_is_already_primary_is_suspected_of_split_brain(
    story: Story, fault: Fault
) -> None:
    story.pair.west.sql("SELECT pg_promote()")
    assert story.pair.east.sql("SELECT pg_is_in_recovery()") == [(False,)]
    fault.injected("both are primaries")
    action = Promote()
    seen = action.observe(story.look)
    assert action.changes(seen)
    reason = action.reason_not_to_apply(seen, story.facts) or ""
    assert "west.orders_db is already primary on timeline 2" in reason
    assert "east.orders_db is primary on timeline 1" in reason
    assert "split brain suspected" in reason
    story.pair.east.cut_power()
    story.connections.drop(PostgresqlReader, EAST)
    reason = story.refusal()
    assert "nothing proves that east.orders_db is fenced" in reason
    assert "split brain suspected" in reason


def test_l01_a_server_that_says_it_left_recovery_and_did_not(story: Story, fault: Fault) -> None:
    _lie(story, "pg_is_in_recovery()", "boolean", "false")
    assert story.pair.west.sql("SELECT pg_is_in_recovery()") == [(False,)]
    fault.injected("pg_is_in_recovery() says false on a standby")
    story.cut_power()
    assert story.seen().role == "standby"
    assert story.connections.get(PostgresqlReader, WEST).in_recovery()
    assert Promote().changes(story.seen())


def test_l02_pg_promote_is_true_and_the_server_still_in_recovery(
    story: Story, fault: Fault
) -> None:
    _lie(
        story,
        "pg_promote(wait boolean DEFAULT true, wait_seconds integer DEFAULT 60)",
        "boolean",
        "true",
    )
    assert story.pair.west.sql("SELECT pg_promote()") == [(True,)]
    fault.injected("pg_promote() says true, and nothing was promoted")
    assert story.still_standby()
    story.cut_power()
    session = story.session()
    assert not session.promote(seconds=0.2)
    action = Promote()
    assert action.changes(action.observe(story.look))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PostgresqlSession.promote, "__defaults__", (0.2,))
        with pytest.raises(StepFailed, match="still in recovery"):
            action.apply(story.hands(session), action.changes(action.observe(story.look)))
    assert story.still_standby()


def test_l14_a_heartbeat_from_a_clock_an_hour_ahead_is_not_believed(
    story: Story, fault: Fault
) -> None:
    story.pair.east.sql("UPDATE drtool.heartbeat SET written_at = now() + interval '1 hour'")
    story.pair.catch_up()
    story.cut_power()
    seen = story.seen()
    assert seen.replication.heartbeat is not None
    assert seen.replication.heartbeat.written_at > datetime.now(UTC) + timedelta(minutes=59)
    fault.injected("the heartbeat received is an hour ahead")
    assert seen.loss.seconds is None
    assert "in the future" in story.refusal()
    fault.got(story.refusal())
    assert story.still_standby()


@both_releases
def test_l15_lag_0_with_the_walreceiver_dead_is_not_believed(story: Story, fault: Fault) -> None:
    west = story.pair.west
    cut_off(west)
    story.pair.east.sql("INSERT INTO orders SELECT i, 'lost' FROM generate_series(1, 100) i")
    lag = "SELECT pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn()"
    assert west.sql(lag)[0][0] == 0
    fault.injected("no walreceiver, 100 rows behind, and the lag is 0")
    story.procedure = Procedure.SWITCHOVER
    check = CheckDataLoss()
    loss = check.observe(story.look)
    assert loss.primary_answers
    assert not loss.streaming
    assert loss.received_not_replayed_bytes == 0
    assert (loss.not_received_bytes or 0) > 0
    assert loss.seconds is None or loss.seconds > 0
    assert "would lose" in (check.judge(loss, story.facts) or "")
    story.outage = datetime.now(UTC) + timedelta(minutes=10)
    story.procedure = Procedure.FAILOVER
    story.pair.east.cut_power()
    story.fence()
    assert "would lose" in story.refusal()


def test_a_table_that_neither_side_has_is_not_waited_for(story: Story) -> None:
    with pytest.raises(BadInput, match=r'east\.orders_db: .*"nothere" does not exist'):
        CheckInSync(tables=("orders", "nothere")).observe(story.look)


@both_releases
def test_l20_a_server_compared_with_itself_is_refused(story: Story, fault: Fault) -> None:
    check = CheckInSync(tables=("orders",))
    seen = check.observe(story.look)
    assert check.judge(seen, story.facts) is None
    same = story.pair.inventory().model_dump(mode="json")
    same["sites"]["west"]["address"] = "localhost"
    same["sites"]["west"]["systems"]["orders_db"]["address"] = "127.0.1.1"
    twin = story.retold()
    twin.connections.context.inventory = Inventory.model_validate(same)
    seen = check.observe(twin.look)
    assert seen.tables_here == seen.tables_there
    fault.injected("both sides are the same server, and all is equal")
    assert "one and the same server" in (check.judge(seen, story.facts) or "")


def _lie(story: Story, signature: str, returns: str, value: str) -> None:
    """Have the cluster's own function say something else, on both sides; ours to undo never."""
    with psycopg.connect(story.pair.east.conninfo, autocommit=True) as session:
        session.execute("SET allow_system_table_mods = on")
        session.execute(
            f"CREATE OR REPLACE FUNCTION pg_catalog.{signature} RETURNS {returns}"
            f" LANGUAGE sql AS 'SELECT {value}'".encode()
        )
    name = signature.partition("(")[0]
    target = story.pair.east.sql("SELECT pg_current_wal_lsn()::text")[0][0]
    wait_until(
        lambda: story.pair.west.sql(
            "SELECT l.lanname = 'sql' AND pg_last_wal_replay_lsn() >= %s::pg_lsn FROM pg_proc p"
            " JOIN pg_language l ON l.oid = p.prolang WHERE proname = %s",
            target, name,
        )[0][0]
    )  # fmt: skip
