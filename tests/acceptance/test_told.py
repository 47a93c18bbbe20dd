"""A failover as those see it who only have Slack."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_runs import EAST, WEST, Document, Operator, PracticeLab, wait_until
from slack_standin import CHANNEL, SlackStandIn

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]
HEAD = "orders: failover east to west"
CANARY = b"canary"


def test_a_failover_is_followed_consented_to_and_judged_in_slack(
    spoiled_lab: PracticeLab, operator: Operator, slack: SlackStandIn
) -> None:
    def told(document: Document) -> None:
        document["notify"] = {
            "slack": {
                "channel": CHANNEL,
                "token": {"secret": "env:SLACK_TOKEN"},
                "mentions": {"incident_commander": "S0ONCALL"},
                "url": slack.url,
            },
            "webhook": {"url": {"secret": "env:SLACK_WEBHOOK"}},
        }

    spoiled_lab.place_orders(EAST)
    spoiled_lab.cut_power(EAST)
    words = ("--from", EAST, "--to", WEST, "--outage-since", "1s")
    run = operator.start("failover", *words, inventory=spoiled_lab.inventory(told))
    wait_until(lambda: len(slack.thread()) > 1)
    root, question = slack.thread()
    command = f"drtool approve {run} consent --service orders"
    assert f"```{command}```" in question.all_text
    assert "<!subteam^S0ONCALL>" in question.all_text
    assert (question.shown, question.thread) == (True, root.ts)
    assert_in_no_arguments()
    operator.type(*command.split()[1:])
    ran = operator.follow(run, consent=False)
    assert ran.code == 0, ran.said

    end = slack.thread()[-1]
    assert f"{HEAD}, consent approved by" in question.text
    assert root.text.startswith(f":warning: {HEAD}, recovered, UNPROTECTED")
    assert "drtool reprotect" in root.all_text
    assert end.shown
    for one in ran.report.objectives:
        assert f"{one.subject} {one.measured_text}, met" in end.text
    for step in ran.report.steps:
        assert f"{step.name} " in end.all_text
    assert not [line for line in ran.report.warnings if line.about == "notices"]
    assert_nowhere(operator.home)


def assert_in_no_arguments() -> None:
    """No process has a token or a webhook's URL in its arguments."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert CANARY not in process.read_bytes()
        except OSError:
            continue


def assert_nowhere(home: Path) -> None:
    """No token and no webhook's URL stands in journal, log or report."""
    files = [path for path in home.rglob("*") if path.is_file()]
    assert {".sqlite", ".html", ".json", ".log"} <= {path.suffix for path in files}
    assert [path for path in files if CANARY in path.read_bytes()] == []
