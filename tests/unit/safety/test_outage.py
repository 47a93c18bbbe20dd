"""An outage is what two places say for the whole hold-down, and nothing less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drtool.model.event import Instant
from drtool.model.replication import Heartbeat, Receiver, Replication
from drtool.safety.outage import (
    LONGEST_GAP_SECONDS,
    Outlook,
    Saying,
    Sighting,
    Verdict,
    Word,
    heard,
    heartbeat_says,
    judge,
    reason_two_primaries,
)
from drtool.units import Duration

BEGAN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
HOLD = Duration(60)
HTTP, TCP, HEARD = ("http", "here"), ("tcp", "here"), ("heartbeat", "west")
Story = Sequence[tuple[float, float, Saying]]
O, W, B = Saying.OUT, Saying.WELL, Saying.BLIND  # noqa: E741


def at(seconds: float, boot: str = "b") -> Instant:
    return Instant(wall=BEGAN + timedelta(seconds=seconds), monotonic=seconds, boot=boot)


def seen(signal: tuple[str, str], saying: Saying, seconds: float, boot: str = "b") -> Sighting:
    name, place = signal
    return Sighting(
        signal=name, place=place, saying=saying, text=f"is {saying.value}", at=at(seconds, boot)
    )


def told(story: Mapping[tuple[str, str], Story], until: float) -> Verdict:
    """What is judged after looks every five seconds; each signal says what it does from - to."""
    outlook = Outlook()
    for second in range(0, int(until) + 1, 5):
        looks = [
            seen(signal, says, second)
            for signal, parts in story.items()
            for begin, end, says in parts
            if begin <= second < end
        ]
        outlook = heard(outlook, looks)
    return judge(outlook, at(until), HOLD)


def test_what_a_machine_slept_through_is_no_part_of_the_hold_down() -> None:
    outlook, hours = Outlook(), timedelta(hours=8)
    for second in range(0, 100, 5):
        slept = hours if second >= 50 else timedelta()
        looks = [seen(signal, O, second) for signal in (HTTP, HEARD)]
        moment = at(second).model_copy(update={"wall": at(second).wall + slept})
        outlook = heard(outlook, [look.model_copy(update={"at": moment}) for look in looks])
    awake = at(95).model_copy(update={"wall": at(95).wall + hours})
    found = judge(outlook, awake, HOLD)
    assert (found.word, found.agreed_seconds) == (Word.SUSPECTED, 45)
    assert found.since == at(50).wall + hours


def test_two_places_for_the_whole_hold_down_are_an_outage_since_the_first_signal() -> None:
    story = {HTTP: [(0, 10, W), (10, 999, O)], HEARD: [(0, 20, W), (20, 999, O)]}
    early = told(story, 75)
    assert (early.word, early.agreed_seconds) == (Word.SUSPECTED, 55)
    found = told(story, 80)
    assert (found.word, found.since) == (Word.OUTAGE, at(10).wall)
    assert found.source == "http seen from here"


def test_a_signal_that_was_broken_before_does_not_tell_when_the_outage_began() -> None:
    story = {HEARD: [(0, 9999, O)], HTTP: [(0, 3600, W), (3600, 9999, O)]}
    found = told(story, 3700)
    assert found.word is Word.OUTAGE
    assert found.since is not None
    assert at(3590).wall <= found.since < at(3600).wall
    assert found.source == "http seen from here, which said well until then"


def test_what_looks_elsewhere_makes_the_customers_outage_no_shorter() -> None:
    story = {HTTP: [(0, 9999, O)], HEARD: [(0, 600, W), (600, 9999, O)]}
    found = told(story, 700)
    assert (found.word, found.since) == (Word.OUTAGE, at(0).wall)


def test_a_blip_of_43_seconds_never_counts() -> None:
    for begin in range(0, 40, 5):
        parts = [(0, begin, W), (begin, begin + 43, O), (begin + 43, 999, W)]
        for until in range(0, 200, 5):
            assert told({HTTP: parts, HEARD: parts}, until).word is not Word.OUTAGE


def test_blips_do_not_add_up() -> None:
    parts = [(n * 60, n * 60 + 43, O) if k else (n * 60 + 43, n * 60 + 60, W)
             for n in range(9) for k in (1, 0)]  # fmt: skip
    for until in range(0, 500, 5):
        assert told({HTTP: parts, HEARD: parts}, until).word is not Word.OUTAGE


def test_one_place_is_never_enough_however_many_signals_and_however_long() -> None:
    found = told({HTTP: [(0, 9999, O)], TCP: [(0, 9999, O)], HEARD: [(0, 9999, B)]}, 3600)
    assert found.word is Word.SUSPECTED
    assert found.reason.startswith("seen from one place only, which may be cut off itself: http")
    assert "heartbeat seen from west: is cannot say" in found.reason


def test_signals_that_disagree_are_a_suspicion_however_long() -> None:
    found = told({HTTP: [(0, 9999, O)], TCP: [(0, 9999, W)], HEARD: [(0, 9999, O)]}, 3600)
    assert found.word is Word.SUSPECTED
    assert found.reason.startswith("the signals disagree: http")
    assert "but tcp seen from here: is well" in found.reason


def test_a_look_that_could_not_be_made_begins_the_hold_down_anew() -> None:
    parts = [(0, 50, O), (50, 55, B), (55, 999, O)]
    assert told({HTTP: [(0, 999, O)], HEARD: parts}, 100).word is Word.SUSPECTED
    assert told({HTTP: [(0, 999, O)], HEARD: parts}, 115).word is Word.OUTAGE


def test_what_was_not_watched_does_not_count() -> None:
    gap = LONGEST_GAP_SECONDS + 1
    outlook = heard(Outlook(), [seen(HTTP, O, 0), seen(HEARD, O, 0)])
    assert judge(outlook, at(gap), HOLD).word is Word.BLIND
    outlook = heard(outlook, [seen(HTTP, O, 70), seen(HEARD, O, 70)])
    assert judge(outlook, at(70), HOLD).since == at(70).wall


def test_a_reboot_begins_anew() -> None:
    outlook = heard(Outlook(), [seen(HTTP, O, 0), seen(HEARD, O, 0)])
    outlook = heard(outlook, [seen(HTTP, O, 5, "c"), seen(HEARD, O, 5, "c")])
    assert judge(outlook, at(5, "c"), HOLD).since == at(5).wall


def test_all_well_nobody_can_say_and_nothing_yet() -> None:
    assert told({HTTP: [(0, 9, W)], HEARD: [(0, 9, B)]}, 5).word is Word.WELL
    assert told({HTTP: [(0, 9, B)], HEARD: [(0, 9, B)]}, 5).word is Word.BLIND
    assert judge(Outlook(), at(0), HOLD).word is Word.BLIND


@given(
    st.lists(
        st.tuples(st.sampled_from([HTTP, TCP, HEARD]), st.sampled_from([O, W, B]),
                  st.floats(0.1, 30)),
        max_size=60,
    )
)  # fmt: skip
def test_whatever_is_seen_an_outage_was_said_by_two_places_without_a_break(
    looks: list[tuple[tuple[str, str], Saying, float]],
) -> None:
    outlook, now, said = Outlook(), 0.0, []
    for signal, saying, pause in looks:
        now += pause
        said.append((signal, saying, now))
        outlook = heard(outlook, [seen(signal, saying, now)])
        if judge(outlook, at(now), HOLD).word is Word.OUTAGE:
            late = [one for one in said if one[2] > now - HOLD.seconds]
            assert {one[1] for one, says, _ in late if says is O} == {"here", "west"}


def standby(**said: object) -> Replication:
    return Replication.model_validate({
        "place": "west.orders_db", "in_recovery": True, "read_only": True,
        "system_identifier": "7412", "timeline": 1, "server_version": 170000,
        "started_at": BEGAN, "now": BEGAN + timedelta(seconds=100), **said,
    })  # fmt: skip


def ago(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=100 - seconds)


@pytest.mark.parametrize(
    ("said", "saying"),
    [
        ({"in_recovery": False}, W),
        ({"receiver": Receiver(status="streaming", heard_at=ago(25))}, W),
        ({"receiver": Receiver(status="streaming", heard_at=ago(40))}, O),
        ({"receiver": Receiver(status="streaming")}, W),
        ({"heartbeat": Heartbeat(written_at=ago(1))}, W),
        ({"heartbeat": Heartbeat(written_at=ago(9))}, O),
        # nobody writes the heartbeat, and the primary is well
        ({"heartbeat": Heartbeat(written_at=ago(90)),
          "receiver": Receiver(status="streaming", heard_at=ago(3))}, W),
        ({}, O),
    ],
)  # fmt: skip
def test_what_a_database_says_of_its_primary(said: dict[str, object], saying: Saying) -> None:
    assert heartbeat_says(standby(**said))[0] is saying


def test_two_primaries_are_named() -> None:
    east = standby(place="east.orders_db", in_recovery=False)
    west = standby(in_recovery=False, timeline=2)
    assert reason_two_primaries([east, standby()]) is None
    reason = reason_two_primaries([east, west])
    assert reason is not None
    assert "east.orders_db is primary on timeline 1, and west.orders_db is primary" in reason
