"""Which request goes out when, by which way, and what is said of those that did not arrive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from drtool.connections.slack import Blocks, Posted
from drtool.connections.slack_refusal import Refusal, refused
from drtool.notify.account import Account
from drtool.notify.card import Card, Note, Tone
from drtool.notify.dispatch import Dispatch
from drtool.notify.ways import Answer, NoWay, SlackWay, Way, WebhookWay
from drtool.testing import START

TIMEOUT = Refusal(code="timeout", found="gave no whole answer in time", in_doubt=True, whole=True)
DOWN = Refusal(code="unreachable", found="cannot be reached", whole=True)


@dataclass
class FakeSlack:
    """Takes what it is sent, unless it was told to refuse what comes next."""

    said: list[str] = field(default_factory=list)
    refusals: list[Refusal | None] = field(default_factory=list)

    def post(
        self, channel: str, text: str, blocks: Blocks = (), *, thread: str = "", shown: bool = False
    ) -> Answer:
        what = f"{channel}{' ' + thread if thread else ''}{' shown' if shown else ''}: {text}"
        return self._take(what, Posted(channel=channel, ts=f"ts{len(self.said) + 1}"))

    def update(self, message: Posted, text: str, blocks: Blocks = ()) -> Answer:
        return self._take(f"{message.channel} {message.ts} is now: {text}", message)

    def _take(self, what: str, posted: Posted) -> Answer:
        if self.refusals and (refusal := self.refusals.pop(0)) is not None:
            self.said.append(f"refused {what}")
            return refusal
        self.said.append(what)
        return posted


@dataclass
class FakeHook:
    """As FakeSlack."""

    slack: FakeSlack

    def post(self, text: str, blocks: Blocks = ()) -> Answer:
        return self.slack._take(f"hook: {text}", Posted())


class World:
    """A dispatch, and a clock that is moved."""

    def __init__(self, *, fallback: bool = False, hook: bool = False) -> None:
        self.slack, self.now = FakeSlack(), 100.0
        ways: list[Way] = [SlackWay(self.slack, "C1", {})]
        ways += [SlackWay(self.slack, "C2", {})] if fallback else []
        ways += [WebhookWay(FakeHook(self.slack), {})] if hook else []
        self.dispatch = Dispatch(ways, lambda: Card("board", Tone.QUIET))

    def put(self, *abouts: str, **more: Any) -> World:
        for about in abouts:
            note = Note(about, START, Card(about, Tone.QUIET))
            self.dispatch.put(replace(note, **more))
        return self

    def go(self, seconds: float = 0.0) -> list[str]:
        """What goes out from now on for so long; what was said since the last call."""
        before, end = len(self.slack.said), self.now + seconds
        while True:
            while (job := self.dispatch.next(self.now)) is not None:
                self.dispatch.done(job.send(), self.now)
            if self.now >= end:
                return self.slack.said[before:]
            self.now += 0.25

    def over(self) -> Account:
        self.dispatch.last()
        self.go(0)
        return self.dispatch.account()


def test_the_start_is_the_first_message_and_the_others_are_its_replies() -> None:
    world = World().put("start", opens=True).put("news").put("trouble", urgent=True)
    assert world.go() == ["C1: board", "C1 ts1: news", "C1 ts1 shown: trouble"]
    assert world.dispatch.account() == Account(delivered=3, settled=True)


def test_the_first_message_is_kept_up_to_date_but_not_all_the_time() -> None:
    world = World().put("start", opens=True)
    world.go()
    world.dispatch.changed()
    assert world.go(1.75) == []
    world.dispatch.changed()
    assert world.go(0.25) == ["C1 ts1 is now: board"]
    assert world.go(2.75) == []
    assert world.go(0.25) == ["C1 ts1 is now: board"]
    world.now += 3600
    world.go()
    assert world.go(29.75) == []
    assert world.go(0.25) == ["C1 ts1 is now: board"]


def test_the_last_state_is_shown_at_once_and_then_nothing_more() -> None:
    world = World().put("start", opens=True)
    world.go()
    world.put("end", urgent=True)
    world.dispatch.last()
    assert not world.dispatch.account().settled
    assert world.go(60) == ["C1 ts1 shown: end", "C1 ts1 is now: board"]
    assert world.dispatch.account().settled


def test_an_answer_takes_its_question_s_place_where_that_was_told() -> None:
    world = World().put("start", opens=True).put("question", key="q")
    world.go()
    assert world.put("answer", answers="q").go() == ["C1 ts2 is now: answer"]


def test_a_way_that_fails_rests_and_the_next_one_is_used() -> None:
    world = World(fallback=True, hook=True)
    world.slack.refusals = [refused("", 429, {"Retry-After": "7"})]
    assert world.put("start", opens=True).go() == ["refused C1: board", "C2: board"]
    assert world.put("one").go(6.5) == ["C2 ts2: one"] + ["C2 ts2 is now: board"] * 2
    world.now += 0.5
    assert world.put("two").go()[:2] == ["C1: board", "C1 ts6: two"]
    account = world.over()
    (line,) = account.lines
    assert line.endswith(
        "did not take a message: takes no more messages for 7 s: too many were sent"
    )
    assert account.settled


def test_what_concerns_the_whole_workspace_goes_to_the_webhook_at_once() -> None:
    world = World(fallback=True, hook=True)
    world.slack.refusals = [DOWN]
    assert world.put("start", opens=True).go() == ["refused C1: board", "hook: start"]


def test_a_way_that_is_refused_for_good_is_not_asked_again() -> None:
    world = World(hook=True)
    world.slack.refusals = [refused("invalid_auth", 200, {})]
    world.put("start", opens=True).go()
    world.put("end")
    account = world.over()
    assert (account.delivered, account.settled) == (2, True)
    (line,) = account.lines
    assert "C1 did not take a message: does not accept the token (invalid_auth); copy the" in line
    assert world.go(600) == []


def test_a_way_that_is_down_is_tried_ever_more_seldom_and_once_more_at_the_end() -> None:
    world = World()
    world.slack.refusals = [DOWN] * 50
    world.put("start", opens=True)
    assert len(world.go(600)) == len([0, 5, 15, 35, *range(75, 600, 60)])
    world.put("end")
    account = world.over()
    assert account.lines[1:] == (
        "nobody was told of start (12:00:00Z): no way was open in time",
        "nobody was told of end (12:00:00Z): no way was open in time",
    )
    assert not account.settled
    world.slack.refusals = []
    assert world.go(60) == ["C1: board", "C1 ts15: end", "C1 ts15 is now: board"]


def test_where_slack_bade_us_wait_the_end_waits_too() -> None:
    world = World()
    world.slack.refusals = [refused("", 429, {"Retry-After": "7"})]
    world.put("start", opens=True).go()
    world.put("end")
    assert not world.over().settled
    assert world.slack.said == ["refused C1: board"]
    world.now += 7
    assert world.go() == ["C1: board", "C1 ts2: end", "C1 ts2 is now: board"]


def test_nobody_says_that_a_message_did_not_arrive_who_does_not_know() -> None:
    world = World()
    world.slack.refusals = [TIMEOUT] * 9
    account = world.put("start", opens=True).put("end").over()
    assert account.lines == (
        "Slack channel C1 did not take a message: gave no whole answer in time",
        "it is not known whether anybody was told of start (12:00:00Z)",
        "nobody was told of end (12:00:00Z): no way was open in time",
    )


def test_what_is_under_way_when_the_account_is_asked_is_not_known() -> None:
    world = World().put("start", opens=True)
    assert world.dispatch.next(world.now) is not None
    assert world.dispatch.next(world.now) is None
    account = world.dispatch.account()
    assert account.lines == ("it is not known whether anybody was told of start (12:00:00Z)",)
    assert not account.settled


def test_without_any_way_all_is_said_at_once() -> None:
    missing = Refusal(code="secret", found="secret env:TOKEN: is not set", lasting=True)
    dispatch = Dispatch([NoWay("Slack channel C1", missing)], lambda: Card("", Tone.QUIET))
    for number in range(13):
        dispatch.put(Note(f"note {number}", START, Card("", Tone.QUIET)))
    assert dispatch.next(0.0) is None
    account = dispatch.account()
    assert account.settled
    assert account.lines[0] == (
        "Slack channel C1 did not take a message: secret env:TOKEN: is not set"
    )
    assert account.lines[1] == "nobody was told of note 0 (12:00:00Z): no way is left"
    assert account.lines[-1] == "as little is known of 3 messages more"


def test_a_form_that_is_refused_is_left_for_good() -> None:
    world = World()
    world.slack.refusals = [refused("invalid_blocks", 200, {})]
    assert world.put("start", opens=True).go() == ["refused C1: board", "C1: board"]
    assert world.dispatch.account().lines == ()


@pytest.mark.parametrize("code", ["thread_not_found", "invalid_thread_ts"])
def test_a_thread_that_somebody_deleted_is_begun_anew(code: str) -> None:
    world = World().put("start", opens=True)
    world.go()
    world.slack.refusals = [refused(code, 200, {})]
    assert world.put("news").go() == ["refused C1 ts1: news", "C1: board", "C1 ts3: news"]


def test_a_first_message_that_may_not_be_changed_is_told_once() -> None:
    world = World().put("start", opens=True).put("question", key="q")
    world.go()
    world.slack.refusals = [refused("edit_window_closed", 200, {})]
    world.dispatch.changed()
    assert world.go(60) == ["refused C1 ts1 is now: board"]
    assert world.put("answer", answers="q").go() == ["C1 ts1: answer"]
    (line,) = world.over().lines
    assert "does not let messages be changed any more (edit_window_closed)" in line
