"""What telling people costs a switchover: nothing, whether Slack answers or hangs, in turns."""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import yaml
from benchmarks.lab_world import OTHER, Customer, LabWorld
from benchmarks.rows import Row, rounds, within
from slack_standin import CHANNEL, TOKEN, SlackStandIn

from drtool.model.event import Event, RunEnded, Warned

PAIRS = int(os.environ.get("PAIRS", "10"))
# Two switchovers of one kind differ by more than this, in either direction.
MOST_MILLISECONDS = 25.0


def bench() -> list[Row]:
    with LabWorld() as world:
        for _ in OTHER:  # there and back, so that each site has followed the other once
            world.drive("switchover", "--engine", "direct")
            world.settle()
        customer = Customer(world)
        try:
            return [
                row for hangs in (True, False) for row in Pairs(world, customer, hangs=hangs).rows()
            ]
        finally:
            customer.close()


class Pairs:
    """Switchovers that nobody is told of and ones that are told, in turns."""

    def __init__(self, world: LabWorld, customer: Customer, *, hangs: bool) -> None:
        self.world, self.customer, self.hangs = world, customer, hangs
        self.quiet: list[float] = []
        self.told: list[float] = []
        self.unsettled = 0

    def rows(self) -> list[Row]:
        for number in rounds(PAIRS):
            # each kind goes each way as often: the two sites are not the same
            turns = (self.without, self.with_slack)
            for turn in turns if number % 2 else reversed(turns):
                turn()
        what = "hangs" if self.hangs else "answers"
        added = [told - quiet for told, quiet in zip(self.told, self.quiet, strict=True)]
        return [
            within(
                f"downtime that a Slack which {what} adds to a switchover",
                statistics.median(added) * 1000,
                MOST_MILLISECONDS,
                note=f"{PAIRS} pairs; medians {statistics.median(self.told):.3f} s and"
                f" {statistics.median(self.quiet):.3f} s",
            ),
            within(f"runs whose account was wrong while Slack {what}", self.unsettled, 0, unit=""),
        ]

    def without(self) -> None:
        driven = self.world.drive("switchover", "--engine", "direct")
        self.quiet.append(self.customer.downtime(driven.started))
        self.world.settle()

    def with_slack(self) -> None:
        slack = SlackStandIn()
        if self.hangs:
            slack.hang()
        self.world.environment["SLACK_TOKEN"] = TOKEN
        inventory = self.inventory(slack.url)
        words = ("--engine", "direct", "--inventory", str(inventory))
        driven = self.world.drive("switchover", *words)
        self.told.append(self.customer.downtime(driven.started))
        self.unsettled += self.hangs is not bool(untold(driven.events))
        slack.close()
        self.world.settle()

    def inventory(self, url: str) -> Path:
        """The lab's inventory, with a Slack."""
        here = Path(self.world.status["inventory"])
        document = yaml.safe_load(here.read_text(encoding="utf-8"))
        token = {"secret": "env:SLACK_TOKEN"}
        document["notify"] = {"slack": {"channel": CHANNEL, "token": token, "url": url}}
        made = here.with_name("told.yaml")
        made.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return made


def untold(events: list[Event]) -> list[str]:
    """What the journal says of notices that did not arrive."""
    assert any(isinstance(event.body, RunEnded) for event in events)
    bodies = [event.body for event in events]
    return [body.text for body in bodies if isinstance(body, Warned) and body.about == "notices"]
