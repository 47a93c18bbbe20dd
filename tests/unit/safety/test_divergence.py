"""How far an old primary went its own way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drtool.model.lineage import Beginning, Commit, Fork, Lineage, Tail, forks_of, segment_name
from drtool.model.postgresql_host import (
    IN_PRODUCTION,
    SHUT_DOWN,
    SHUT_DOWN_IN_RECOVERY,
    Control,
    HostState,
)
from drtool.safety.divergence import diverged, reason_other_branch, reason_split_brain

PROMOTED = datetime(2026, 11, 23, 5, 14, 10, tzinfo=UTC)
SOURCE = Lineage(timeline=2, forks=(Fork(timeline=1, position=1000),), promoted_at=PROMOTED)
TWICE = SOURCE.model_copy(
    update={"timeline": 3, "forks": (*SOURCE.forks, Fork(timeline=2, position=2000))}
)


def control(state: str = IN_PRODUCTION, checkpoint: int = 500, timeline: int = 1) -> Control:
    return Control(
        system_identifier="7412", state=state, checkpoint=checkpoint, redo=1, timeline=timeline
    )


def host(state: str, timeline: int, *, fresh_copy: bool = False) -> HostState:
    return HostState(
        place="east.orders_db",
        data_directory="/srv/pg",
        control=control(state, timeline=timeline),
        fresh_copy=fresh_copy,
    )


def tail(*seconds_after: float) -> Tail:
    commits = tuple(
        Commit(position=1000 + number, transaction="1", at=PROMOTED + timedelta(seconds=after))
        for number, after in enumerate(seconds_after)
    )
    return Tail(
        timeline=1, position=1000, records=len(commits), commits=len(commits), listed=commits
    )


def test_commits_before_the_promotion_are_an_expected_tail() -> None:
    assert reason_split_brain("east", tail(-5, -0.5), SOURCE, None, 0.0) is None


def test_commits_after_the_promotion_are_split_brain() -> None:
    found = reason_split_brain("east", tail(-5, 3), SOURCE, None, 0.0)
    assert found is not None
    assert "timeline 1 was left at 0/3E8" in found
    assert "2026-11-23T05:14:13.000+00:00" in found


def test_of_a_long_tail_the_last_commit_is_judged_too() -> None:
    listed = tail(-5, -4, 3).model_copy(update={"commits": 1500})
    found = reason_split_brain("east", listed, SOURCE, None, 0.0)
    assert found is not None
    assert "left behind, last at 2026-11-23T05:14:13.000+00:00" in found


def test_a_fence_of_this_run_is_the_earlier_limit() -> None:
    fenced = PROMOTED - timedelta(seconds=3)
    assert reason_split_brain("east", tail(-4), SOURCE, fenced, 0.0) is None
    assert reason_split_brain("east", tail(-2), SOURCE, fenced, 0.0) is not None


def test_clocks_that_differ_are_forgiven_as_much() -> None:
    assert reason_split_brain("east", tail(3), SOURCE, None, -2.5) is None
    assert reason_split_brain("east", tail(5), SOURCE, None, 2.5) is not None


def test_of_several_promotions_the_first_since_counts() -> None:
    left = Beginning(timeline=2, at=PROMOTED - timedelta(hours=1))
    twice = TWICE.model_copy(update={"began": (left,)})
    assert reason_split_brain("east", tail(-3600 - 5), twice, None, 0.0) is None
    found = reason_split_brain("east", tail(-3600 - 5, -3600 + 600), twice, None, 0.0)
    assert found is not None
    assert (
        "split brain: east committed after it was left behind, first at 2026-11-23T04:24" in found
    )
    assert "timeline 2 began at 2026-11-23T04:14:10+00:00" in found


def test_a_server_of_the_timeline_before_was_left_by_the_sources_own_promotion() -> None:
    second = tail(-5).model_copy(update={"timeline": 2, "position": 2000})
    assert reason_split_brain("east", second, TWICE, None, 0.0) is None


def test_commits_of_which_nobody_knows_whether_they_are_late_are_refused() -> None:
    fenced = PROMOTED + timedelta(minutes=5)
    for proven in (None, fenced):
        found = reason_split_brain("east", tail(-3000), TWICE, proven, 0.0)
        assert found is not None
        assert "unknown when its timeline was left for timeline 2: the source's 00000002" in found
        assert "1 commits that only it has, the last at 2026-11-23T04:24:10.000+00:00" in found
        assert "pg_waldump -p pg_wal -t 1 -s 0/3E8" in found
    late = reason_split_brain("east", tail(3), TWICE, None, 0.0)
    assert late is not None
    assert "timeline 2 began at an unknown time" in late
    assert reason_split_brain("east", tail(), TWICE, None, 0.0) is None


def test_divergence_is_judged_by_positions() -> None:
    assert not diverged(control(checkpoint=500), Tail(timeline=1, position=1000, said="x"))
    assert diverged(control(checkpoint=1000), Tail(timeline=1, position=1000, said="x"))
    assert diverged(control(checkpoint=500), tail(-1))
    assert diverged(control(checkpoint=500), Tail(timeline=1, position=1000, unreadable=True))
    assert not diverged(control(checkpoint=5000, timeline=2), None)
    none = Tail(timeline=1, position=1000, said="x")
    assert not diverged(control().model_copy(update={"minimum_recovery": 1000}), none)
    assert diverged(control().model_copy(update={"minimum_recovery": 1001}), none)


def test_a_server_that_was_promoted_by_itself() -> None:
    assert reason_other_branch(host(IN_PRODUCTION, 1), (), SOURCE) is None
    assert reason_other_branch(host(SHUT_DOWN_IN_RECOVERY, 2), SOURCE.forks, SOURCE) is None
    assert reason_other_branch(host(IN_PRODUCTION, 2, fresh_copy=True), (), SOURCE) is None
    other = (Fork(timeline=1, position=900),)
    assert "parted at 0/384" in str(reason_other_branch(host(SHUT_DOWN, 2), other, SOURCE))
    same = reason_other_branch(host(SHUT_DOWN, 2), SOURCE.forks, SOURCE)
    assert same is not None, "it was a primary on the source's own timeline"
    assert reason_other_branch(host(SHUT_DOWN_IN_RECOVERY, 3), (), SOURCE) is not None


def test_history_files_and_segment_names() -> None:
    text = "1\t0/3000148\tno recovery target specified\n\n2\t1/5\tbefore 2026\n"
    assert forks_of(text) == (
        Fork(timeline=1, position=0x3000148),
        Fork(timeline=2, position=(1 << 32) + 5),
    )
    assert segment_name(1, 0x3000148, 16 << 20) == "000000010000000000000003"
    assert segment_name(2, (1 << 32) + 5, 16 << 20) == "000000020000000100000000"
