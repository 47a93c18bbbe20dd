from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from drtool.notify.card import Card, Note, Small, Tone
from drtool.notify.outbox import LINES, Outbox
from drtool.testing import START


def note(about: str, **more: object) -> Note:
    card = Card(about, Tone.QUIET, (Small(f"line {about}"),))
    return replace(Note(about, START, card), **more)  # type: ignore[arg-type]


def abouts(outbox: Outbox) -> list[str]:
    return [one.about for one in outbox.waiting]


def test_notes_keep_their_order_and_stay_until_they_are_taken() -> None:
    outbox = Outbox()
    first, second = note("first"), note("second")
    assert outbox.first() is None
    outbox.put(first)
    outbox.put(second)
    assert outbox.first() is first
    assert outbox.first() is first
    outbox.take(first)
    assert outbox.first() is second


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 8))
def test_of_too_many_the_oldest_calm_one_goes_first(urgencies: list[bool], most: int) -> None:
    outbox = Outbox(most)
    dropped: list[Note] = []
    for number, urgent in enumerate(urgencies):
        gone = outbox.put(note(str(number), urgent=urgent))
        for one in gone:
            assert not one.urgent or all(other.urgent for other in outbox.waiting)
        dropped += gone
    assert len(outbox.waiting) == min(most, len(urgencies))
    assert sorted(int(one.about) for one in (*outbox.waiting, *dropped)) == list(
        range(len(urgencies))
    )
    assert abouts(outbox) == sorted(abouts(outbox), key=int)


def test_an_answer_takes_the_place_of_a_question_that_nobody_was_told() -> None:
    outbox = Outbox()
    outbox.put(note("question", key="consent 7"))
    outbox.put(note("another", key="fence 9"))
    outbox.put(note("answer", answers="consent 7"))
    assert abouts(outbox) == ["another", "answer"]


def test_phases_that_wait_become_one_note() -> None:
    outbox = Outbox()
    for number in range(LINES + 3):
        at = START + timedelta(seconds=number)
        outbox.put(replace(note(str(number), joined=True), at=at))
    (one,) = outbox.waiting
    (small,) = one.card.parts
    assert isinstance(small, Small)
    assert small.text.splitlines() == [f"line {number}" for number in range(3, LINES + 3)]
    assert one.subject == "14 (12:00:14Z)"
    outbox.put(note("something"))
    outbox.put(note("phase", joined=True))
    assert abouts(outbox) == ["14", "something", "phase"]
