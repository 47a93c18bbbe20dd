"""Who may start, steer and consent: all combinations of what an inventory can say."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_bench import inventory
from signed_people import People

from drtool.errors import hint_of
from drtool.model.event import ConsentAsked
from drtool.model.people import Right
from drtool.model.purpose import Mode, Procedure
from drtool.safety.rights import (
    reason_not_permitted,
    reason_not_to_answer,
    reason_not_to_start,
    those_who_may,
)


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path, rehearser=(Right.REHEARSE,), nothing=())


@pytest.mark.parametrize(
    ("person", "live", "drill", "rehearsal"),
    [
        ("operator", True, True, True),
        ("rehearser", False, True, True),
        ("first", False, False, False),
        ("nothing", False, False, False),
        ("nobody", False, False, False),
    ],
)
def test_who_may_start(
    people: People, person: str, *, live: bool, drill: bool, rehearsal: bool
) -> None:
    known = people.inventory()
    assert (reason_not_to_start(known, person, Mode.LIVE) is None) is live
    assert (reason_not_to_start(known, person, Mode.DRILL) is None) is drill
    of_a_copy = reason_not_to_start(known, person, Mode.LIVE, Procedure.REHEARSAL)
    assert (of_a_copy is None) is rehearsal
    assert reason_not_to_start(known, person, Mode.DRY_RUN) is None
    assert reason_not_to_start(inventory(), person, Mode.LIVE) is None, "nobody has a key"


def test_a_refusal_says_who_may(people: People) -> None:
    reason = reason_not_permitted(people.inventory(), "first", Right.OPERATE)
    assert (reason, hint_of(reason)) == ("first may approve, not operate", "ask operator")
    assert "nothing may nothing, not approve" in str(
        reason_not_permitted(people.inventory(), "nothing", Right.APPROVE)
    )


def test_nobody_who_could_is_said(people: People) -> None:
    reason = reason_not_permitted(people.inventory(without=("operator",)), "first", Right.OPERATE)
    assert hint_of(reason) == "nobody in the inventory may"


@pytest.mark.parametrize(
    ("what", "of", "requester", "able"),
    [
        ("approval", "commander", "operator", ("first", "second", "third")),
        ("approval", "commander", "first", ("second", "third")),
        ("approval", "", "first", ("operator", "first", "second", "third")),
        ("consent", "", "operator", ("operator", "first", "second", "third")),
        ("manual", "commander", "first", ("first", "second", "third")),
        ("manual", "nothing", "first", ("nothing",)),
        ("decision", "", "operator", ("operator",)),
    ],
)
def test_whose_answer_counts(
    people: People, what: str, of: str, requester: str, able: tuple[str, ...]
) -> None:
    asked = ConsentAsked.model_validate({"step": "s", "what": what, "of": of})
    known = people.inventory()
    assert those_who_may(asked, known, requester, Mode.LIVE) == able


def test_a_no_is_everybodys_of_the_role(people: People) -> None:
    asked = ConsentAsked(step="s", what="approval", of="commander")
    known = people.inventory()
    assert reason_not_to_answer(asked, known, "first", "first", Mode.LIVE, denies=True) is None
    assert reason_not_to_answer(asked, known, "operator", "first", Mode.LIVE, denies=True)
