from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from drtool.action import Look
from drtool.actions.tcp import Answers
from drtool.actions.wait import Until, Waited
from drtool.model.inventory import Inventory
from drtool.model.purpose import Mode
from drtool.model.value import Fields
from drtool.testing.contract import check_action
from drtool.testing.fakes import fake_facts
from drtool.testing.world import START, FakeConnections, MovableClock
from drtool.units import Duration

INVENTORY = Inventory.model_validate(
    {
        "version": 1,
        "services": {"orders": {"preferred": "east", "endpoint": "orders.lab.test"}},
        "sites": {"east": {"address": "127.0.1.1"}, "west": {"address": "127.0.2.1"}},
    }
)
FACTS = fake_facts(INVENTORY)


def look(clock: MovableClock) -> Look:
    return Look(FakeConnections(INVENTORY, {}, clock), FACTS)


def test_a_duration_counts_from_the_first_look() -> None:
    clock, step = MovableClock(), Until(duration=Duration(90))
    clock.move(1000)
    assert step.judge(step.observe(look(clock)), FACTS) == "1 min 30 s left until 12:18:10 UTC"
    clock.move(60)
    assert step.judge(step.observe(look(clock)), FACTS) == "30.0 s left until 12:18:10 UTC"
    clock.move(30)
    seen = step.observe(look(clock))
    assert (step.judge(seen, FACTS), seen.seconds_left) == (None, 0.0)


def test_a_time_is_waited_for_and_one_that_is_past_is_not() -> None:
    clock = MovableClock()
    coming = Until(time=START + timedelta(seconds=5))
    assert coming.judge(coming.observe(look(clock)), FACTS) == "5.00 s left until 12:00:05 UTC"
    past = Until(time=START - timedelta(days=1))
    assert past.judge(past.observe(look(clock)), FACTS) is None


def test_a_dry_run_waits_for_nothing() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    seen = Waited(now=now, until=now + timedelta(hours=1), seconds_left=3600)
    step = Until(duration=Duration(3600))
    assert step.judge(seen, FACTS)
    assert step.judge(seen, FACTS.model_copy(update={"mode": Mode.DRY_RUN})) is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"duration": "1m", "time": "2030-01-01T12:00:00Z"},
        {"time": "2030-01-01T12:00:00"},
        {"duration": "90"},
    ],
)
def test_what_it_does_not_take(fields: Fields) -> None:
    with pytest.raises(ValidationError):
        Until.model_validate(fields)


def test_contract() -> None:
    check_action(Until, {"duration": "30s"}, FACTS)
    check_action(Until, {"time": "2030-01-01T12:00:00Z"}, FACTS)
    check_action(Answers, {"port": 8080}, FACTS)
