"""Whether the person here could start a run, by the key that is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_bench import inventory
from signed_people import People

from drtool.verbs.doctor.finding import State
from drtool.verbs.doctor.people import findings


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def test_nothing_is_said_where_people_have_no_keys(people: People) -> None:
    assert [*findings(inventory(), [people.keys["first"]])] == []


def test_somebody_who_may_operate_is_well(people: People) -> None:
    (only,) = findings(people.inventory(), ["ssh-ed25519 AAAA", people.keys["operator"]])
    assert only.state is State.OK
    assert only.found.startswith("operator, with key SHA256:")


def test_somebody_who_may_only_approve_is_told_who_starts(people: People) -> None:
    (only,) = findings(people.inventory(), [people.keys["first"]])
    assert (only.state, only.cure) == (State.WARNING, "live runs are started by operator")


def test_without_a_key_of_the_inventory_it_is_said_now(people: People) -> None:
    (only,) = findings(people.inventory(), [])
    assert only.state is State.WARNING
    assert "neither start a run here nor approve one" in only.found
    assert only.cure == "ssh-add FILE, or export DRTOOL_KEY=FILE"
