"""Data loss judged from values: each source in its order, and never less than the truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drtool.model.proof import AcceptedLoss
from drtool.model.replication import (
    Heartbeat,
    LossEvidence,
    Replication,
    Sample,
    position_of,
    position_text,
)
from drtool.safety.loss import hint_to_accept, judge_loss, reason_not_to_lose, reason_replay_paused
from drtool.units import Duration

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def server(role: str = "standby", **changed: object) -> Replication:
    """A server that has received everything up to position 1000, at noon."""
    given = {
        "place": "west.orders_db" if role == "standby" else "east.orders_db",
        "in_recovery": role == "standby",
        "read_only": role == "standby",
        "system_identifier": "7412",
        "timeline": 1,
        "received": 1000 if role == "standby" else None,
        "replayed": 1000 if role == "standby" else None,
        "current": 1000 if role == "primary" else None,
        "standby_name": "west",
        "server_version": 170000,
        "started_at": after(-1000),
        "now": NOON,
        **changed,
    }
    return Replication.model_validate(given)


def evidence(standby: Replication | None = None, **changed: object) -> LossEvidence:
    return LossEvidence.model_validate({
        "standby": standby or server(), "now": NOON, **changed
    })  # fmt: skip


def beat(seconds: float, *synchronous: str) -> Heartbeat:
    return Heartbeat(written_at=after(seconds), synchronous=synchronous)


def test_a_synchronous_standby_loses_nothing_whatever_was_received() -> None:
    primary = server("primary", current=5000)
    loss = judge_loss(evidence(primary=primary, waited_for=("west",)))
    assert (loss.seconds, loss.source) == (0.0, "synchronous commit")
    assert loss.not_received_bytes == 4000


@pytest.mark.parametrize("setting", ["off", "local", "remote_write"])
def test_a_weaker_synchronous_commit_is_not_believed(setting: str) -> None:
    primary = server("primary", current=5000, synchronous_commit=setting)
    loss = judge_loss(evidence(server(heartbeat=beat(-3)), primary=primary, waited_for=("west",)))
    assert loss.seconds == 3.0
    assert loss.upper_bound


def test_a_reachable_primary_whose_sampled_position_was_received_loses_nothing() -> None:
    loss = judge_loss(evidence(primary=server("primary")))
    assert loss.seconds == 0.0
    assert "0/3E8" in loss.source


def test_positions_of_different_timelines_are_not_compared() -> None:
    loss = judge_loss(evidence(server(heartbeat=beat(-3)), primary=server("primary", timeline=2)))
    assert loss.seconds == 3.0


def test_another_cluster_is_unknown() -> None:
    primary = server("primary", system_identifier="1")
    loss = judge_loss(evidence(server(heartbeat=beat(-3)), primary=primary))
    assert loss.seconds is None
    assert "belongs to the cluster 7412" in loss.reason


def test_a_clean_stop_loses_nothing_once_its_checkpoint_was_received() -> None:
    assert judge_loss(evidence(final_position=999)).seconds == 0.0
    missing = judge_loss(evidence(server(heartbeat=beat(-3)), final_position=1000))
    assert missing.seconds == 3.0


def test_the_bound_runs_from_the_newest_news_to_the_start_of_the_outage_never_to_now() -> None:
    known = evidence(
        server(heartbeat=beat(-600.8), last_commit=after(-601)),
        outage_start=after(-600),
        fenced_at=after(-60),
    )
    loss = judge_loss(known)
    assert loss.seconds == pytest.approx(0.8)
    assert not loss.upper_bound
    assert loss.source == "newest heartbeat, until the outage's start"
    assert loss.newest_received == after(-600.8)


def test_a_later_commit_beats_the_heartbeat() -> None:
    known = evidence(server(heartbeat=beat(-10), last_commit=after(-5)), outage_start=after(-4))
    loss = judge_loss(known)
    assert loss.seconds == pytest.approx(1)
    assert loss.source.startswith("last commit")


def test_without_the_start_of_the_outage_the_fence_gives_an_upper_bound() -> None:
    loss = judge_loss(evidence(server(heartbeat=beat(-100)), fenced_at=after(-60)))
    assert (loss.seconds, loss.upper_bound) == (40.0, True)
    assert "until the proven fence" in loss.source
    unfenced = judge_loss(evidence(server(heartbeat=beat(-100))))
    assert (unfenced.seconds, unfenced.upper_bound) == (100.0, True)


def test_news_from_after_the_told_start_of_the_outage_make_that_start_unusable() -> None:
    standby = server(heartbeat=beat(-50))
    loss = judge_loss(evidence(standby, outage_start=after(-100), fenced_at=after(-20)))
    assert (loss.seconds, loss.upper_bound) == (30.0, True)
    slightly = judge_loss(evidence(standby, outage_start=after(-50.4), fenced_at=after(-20)))
    assert slightly.seconds == pytest.approx(0.6)
    assert slightly.upper_bound


def test_an_answer_from_after_the_told_start_of_the_outage_makes_it_unusable_too() -> None:
    """The primary was seen to live on, however little of what it wrote was received."""
    standby = server(heartbeat=beat(-600))
    told = {"outage_start": after(-595), "fenced_at": after(-2)}
    alive = Sample(position=9000, timeline=1, at=after(-5))
    loss = judge_loss(evidence(standby, sample=alive, **told))
    assert (loss.seconds, loss.upper_bound) == (598.0, True)
    synchronous = server(heartbeat=beat(-600, "west"))
    assert judge_loss(evidence(synchronous, sample=alive, **told)).seconds == 598.0
    dead = Sample(position=9000, timeline=1, at=after(-597))
    before = judge_loss(evidence(standby, sample=dead, **told))
    assert (before.seconds, before.upper_bound) == (5.0, False)


def test_a_clock_ahead_is_unknown_and_a_sample_by_our_own_clock_still_counts() -> None:
    standby = server(heartbeat=beat(3600), last_commit=after(3600))
    loss = judge_loss(evidence(standby, outage_start=after(-5)))
    assert loss.seconds is None
    assert "3600" in loss.reason or "1 h 00 min in the future" in loss.reason
    sample = Sample(position=900, timeline=1, at=after(-20))
    sampled = judge_loss(evidence(standby, sample=sample, outage_start=after(-5)))
    assert sampled.seconds == 15.0
    assert sampled.source == "position sampled 20.0 s ago, until the outage's start"


def test_a_sample_that_was_not_received_says_nothing() -> None:
    sample = Sample(position=1001, timeline=1, at=after(-20))
    assert judge_loss(evidence(sample=sample)).seconds is None
    elsewhere = Sample(position=900, timeline=2, at=after(-20))
    assert judge_loss(evidence(sample=elsewhere)).seconds is None


def test_nothing_known_is_unknown() -> None:
    loss = judge_loss(evidence())
    assert loss.seconds is None
    assert "no heartbeat row" in loss.reason


def test_a_heartbeat_that_says_synchronous_is_believed_while_it_is_fresh() -> None:
    standby = server(heartbeat=beat(-101, "west"))
    fresh = judge_loss(evidence(standby, outage_start=after(-100)))
    assert fresh.seconds == 0.0
    stale = judge_loss(evidence(standby, outage_start=after(-90)))
    assert stale.seconds == 11.0
    other = judge_loss(evidence(server(heartbeat=beat(-101, "north")), outage_start=after(-100)))
    assert other.seconds == 1.0
    nameless = server(heartbeat=beat(-101, "walreceiver"), standby_name="walreceiver")
    assert judge_loss(evidence(nameless, outage_start=after(-100))).seconds == 1.0


def test_received_but_not_replayed_is_delay_and_no_loss() -> None:
    loss = judge_loss(evidence(server(replayed=400), primary=server("primary")))
    assert loss.seconds == 0.0
    assert loss.received_not_replayed_bytes == 600
    assert loss.not_received_bytes == 0


def test_a_primary_has_nothing_left_to_lose_and_no_figure() -> None:
    loss = judge_loss(evidence(server("primary")))
    assert loss.already_primary
    assert loss.seconds is None
    assert reason_not_to_lose(loss, Duration(0)) is None


def test_the_guard_names_both_figures_and_who_allowed_what() -> None:
    loss = judge_loss(evidence(server(heartbeat=beat(-142)), outage_start=after(-100)))
    reason = reason_not_to_lose(loss, Duration(10)) or ""
    assert "would lose 42.0 s (newest heartbeat, until the outage's start)" in reason
    assert "more than the 10.0 s that is allowed" in reason
    short = AcceptedLoss(at_most=Duration(30), by="the commander", reason="customers wait")
    assert "30.0 s that the commander accepted" in (
        reason_not_to_lose(loss, Duration(10), short) or ""
    )
    enough = short.model_copy(update={"at_most": Duration(60)})
    assert reason_not_to_lose(loss, Duration(10), enough) is None


def test_an_acceptance_does_not_cover_the_unknown() -> None:
    loss = judge_loss(evidence())
    accepted = AcceptedLoss(at_most=Duration(86400), by="the commander", reason="all is lost")
    assert "is unknown" in (reason_not_to_lose(loss, Duration(10), accepted) or "")


ANY = AcceptedLoss(at_most="unknown", by="the commander", reason="all is lost")


def test_who_accepts_any_loss_accepts_the_unknown_and_every_amount() -> None:
    known = judge_loss(evidence(server(heartbeat=beat(-142)), outage_start=after(-100)))
    assert known.seconds == 42.0
    for loss in (judge_loss(evidence()), known):
        assert reason_not_to_lose(loss, Duration(10))
        assert reason_not_to_lose(loss, Duration(10), ANY) is None


def test_an_acceptance_says_who_accepted_what_and_why() -> None:
    assert str(ANY) == "the commander accepted any data loss, even an unknown one: all is lost"
    some = AcceptedLoss(at_most=Duration(30), by="ann", reason="customers wait")
    assert str(some) == "ann accepted a data loss of at most 30s: customers wait"


def test_what_can_be_typed_covers_what_the_next_promotion_will_see() -> None:
    exact = judge_loss(evidence(server(heartbeat=beat(-142.3)), outage_start=after(-100)))
    assert "--accept-data-loss 43s --reason 'why'" in hint_to_accept(exact)
    growing = judge_loss(evidence(server(heartbeat=beat(-100)), fenced_at=after(-60)))
    for loss in (growing, judge_loss(evidence())):
        assert "--accept-data-loss unknown --reason 'why'" in hint_to_accept(loss)


def test_a_paused_replay_is_said() -> None:
    loss = judge_loss(evidence(server(replay_paused=True, replayed=100)))
    assert "900 bytes received" in (reason_replay_paused(loss) or "")
    assert reason_replay_paused(judge_loss(evidence())) is None


def test_positions_are_read_and_written_as_postgresql_does() -> None:
    assert position_of("16/B374D848") == 0x16B374D848
    assert position_text(0x16B374D848) == "16/B374D848"


moments = st.floats(min_value=0, max_value=1000)
skews = st.floats(min_value=-1.9, max_value=1.9)


@given(
    commits=st.lists(moments, min_size=1, max_size=30, unique=True),
    beats=st.lists(moments, max_size=10, unique=True),
    share=st.floats(min_value=0, max_value=1),
    start_known=st.booleans(),
    fenced_later=st.floats(min_value=0, max_value=100),
    thinking=st.floats(min_value=0, max_value=1000),
    sampled=st.none() | moments,
    skew=skews,
    replay_share=st.floats(min_value=0, max_value=1),
)
def test_the_loss_is_never_understated_but_for_the_clocks(
    *,
    commits: list[float],
    beats: list[float],
    share: float,
    start_known: bool,
    fenced_later: float,
    thinking: float,
    sampled: float | None,
    skew: float,
    replay_share: float,
) -> None:
    """A primary that commits until its end; the standby has a share of its WAL.

    One position for each record. Lost time runs from the oldest lost commit to the end.
    """
    log = sorted([(at, "commit") for at in commits] + [(at, "beat") for at in beats])
    end = log[-1][0]
    received = int(len(log) * share)
    replayed = int(received * replay_share)
    lost = [at for at, kind in log[received:]]
    truth = end - min(lost) if lost else 0.0
    shown = log[:replayed]
    newest_beat = max((at for at, kind in shown if kind == "beat"), default=None)
    fenced = end + fenced_later
    now = fenced + thinking
    position = None if sampled is None else sum(1 for at, _ in log if at < sampled)
    standby = server(
        received=received,
        replayed=replayed,
        heartbeat=None if newest_beat is None else beat(newest_beat + skew),
        last_commit=after(shown[-1][0] + skew) if shown else None,
        now=after(now),
    )
    known = LossEvidence(
        standby=standby,
        sample=None
        if position is None or sampled is None
        else Sample(position=position, timeline=1, at=after(min(sampled, end))),
        outage_start=after(end) if start_known else None,
        fenced_at=after(fenced),
        now=after(now),
    )
    loss = judge_loss(known)
    if loss.seconds is None:
        assert not shown
        return
    assert loss.seconds >= truth - max(0.0, skew) - 1e-3
    if not start_known:
        assert loss.upper_bound or loss.seconds == 0
    assert loss.seconds <= fenced + 2
