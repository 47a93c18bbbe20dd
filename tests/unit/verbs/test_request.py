from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drtool.errors import BadInput
from drtool.model.purpose import Mode, Procedure
from drtool.units import Duration
from drtool.verbs.request import outage_start, parameters
from drtool.verbs.start import request_of

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "start"),
    [
        (None, None),
        ("5m", NOW - timedelta(minutes=5)),
        ("0s", NOW),
        ("now", NOW),
        ("2026-03-01T03:10:00Z", NOW - timedelta(minutes=2)),
        ("2026-03-01T04:10:00+01:00", NOW - timedelta(minutes=2)),
    ],
)
def test_the_outage_starts_when_it_was_said_to(said: str | None, start: datetime | None) -> None:
    assert outage_start(said, NOW) == start


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("2026-03-01T03:13:00Z", "still to come"),
        ("2026-03-01T03:10:00", "has no time zone"),
        ("5", "neither a time nor a duration"),
        ("-5m", "neither a time nor a duration"),
        ("yesterday", "neither a time nor a duration"),
    ],
)
def test_an_outage_start_that_makes_no_sense_is_refused(said: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        outage_start(said, NOW)


def test_parameters_are_names_and_values() -> None:
    assert parameters(("a=1", "b=x=y", "c=")) == {"a": "1", "b": "x=y", "c": ""}


def test_a_parameter_without_a_value_is_refused_with_what_to_type() -> None:
    with pytest.raises(BadInput) as raised:
        parameters(("pace",))
    assert raised.value.hint == "--set pace=VALUE"


def test_a_request_says_everything_that_was_typed() -> None:
    request = request_of(
        "failover",
        {
            "runbook": "orders.yaml",
            "drill": True,
            "engine": "direct",
            "accept_data_loss": "30s",
            "reason": "the standby is all we have",
            "parameters": ["pace=2"],
        },
    )
    assert request.procedure is Procedure.FAILOVER
    assert request.mode is Mode.DRILL
    assert request.accepted_loss is not None
    assert request.accepted_loss.at_most == Duration(30)
    assert request.parameters == ("pace=2",)


def test_any_loss_can_be_accepted() -> None:
    given = {"runbook": "orders.yaml", "accept_data_loss": "unknown", "reason": "all is lost"}
    accepted = request_of("failover", given).accepted_loss
    assert accepted is not None
    assert (accepted.at_most, accepted.reason) == ("unknown", "all is lost")
    assert "@" in accepted.by


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"dry_run": True, "drill": True}, "one mode"),
        ({"engine": "airflow"}, "auto or prefect or direct"),
        ({"accept_data_loss": "30s"}, "no reason is given"),
        ({"accept_data_loss": "unknown"}, "no reason is given"),
        ({"accept_data_loss": "unknown", "reason": " "}, "no reason is given"),
        ({"state_fenced": " "}, "no reason is given"),
        ({"accept_data_loss": "30", "reason": "x"}, "not a duration"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(given: dict[str, object], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        request_of("failover", {"runbook": "orders.yaml", **given})
