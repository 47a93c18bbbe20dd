"""What people read in Slack of whole runs, told by the process that tells them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import told_people
from engine_bench import Bench, Running, approval, chain, failover_steps, plan_of, step
from slack_standin import CHANNEL, FALLBACK, SlackStandIn
from told_people import PATIENT, heralds, notifier, told, untold, ways

from drtool.model.plan import Objectives
from drtool.model.purpose import Mode
from drtool.units import Duration

HEAD = "orders: failover east to west"


@pytest.fixture
def bench(tmp_path: Path, slack: SlackStandIn) -> Iterator[Bench]:
    """A bench; when its run is over, nothing of it tells anybody any more."""
    made = Bench(tmp_path, limits=PATIENT)
    yield made
    slack.release()
    made.until(lambda: not heralds(), 40)
    made.journal.close()
    assert (tmp_path / "notices.log").read_text() == ""


def test_a_run_is_one_thread_from_its_start_to_its_end(bench: Bench, slack: SlackStandIn) -> None:
    plan = plan_of(*failover_steps(), objectives=Objectives(rto=Duration(300)))
    ended = bench.execute(plan=plan, ports=told(bench, ways(slack.url)))
    assert ended.exit_code == 6
    root, *replies = slack.thread()
    assert len(slack.messages) == 1 + len(replies)
    assert root.texts[0] == f":large_blue_circle: {HEAD}, under way"
    end = f":warning: {HEAD}, recovered, an objective not measured, UNPROTECTED"
    assert root.texts[-1].startswith(end)
    assert "drtool reprotect orders.yaml" in root.all_text
    assert replies[-1].shown
    assert "recovery time not measured" in replies[-1].text
    assert "redirect  redirect" in replies[-1].all_text
    assert untold(bench) == []
    assert not slack.hooked


def test_whoever_must_consent_is_called_and_told_what_to_type(
    bench: Bench, slack: SlackStandIn
) -> None:
    steps = chain(approval("consent", deadline=Duration(30)), step("fence", "bench.fence"))
    ports = told(bench, ways(slack.url, mentions={"commander": "S0ONCALL"}))
    running = Running(bench.engine(*steps, ports=ports))
    bench.until(lambda: len(slack.thread()) == 2, 20)
    root, question = slack.thread()
    assert question.shown
    assert question.text.startswith(f":raised_hand: {HEAD}, waiting for the commander: ")
    assert "<!subteam^S0ONCALL>" in question.all_text
    assert "```drtool approve r1 consent --service orders```" in question.all_text
    assert "• fence: nothing -&gt; yes" in question.all_text
    bench.until(lambda: "waiting for the commander" in root.text, 20)
    assert "drtool approve r1 consent" in root.all_text
    bench.ask("approve", "consent", by="ann")
    running.wait(60)
    assert question.text == f":large_blue_circle: {HEAD}, consent approved by ann"
    assert "drtool approve" not in question.all_text


def test_a_question_answered_before_it_was_told_calls_nobody(
    bench: Bench, slack: SlackStandIn
) -> None:
    slack.hang()
    steps = chain(approval("consent", deadline=Duration(30)), step("one"))
    running = Running(bench.engine(*steps, ports=told(bench, ways(slack.url))))
    bench.until(lambda: slack.held and bench.asked("consent"), 20)
    bench.ask("approve", "consent", by="ann")
    bench.until(lambda: bench.state.ended, 20)
    slack.release()
    running.wait(60)
    replies = slack.thread()[1:]
    assert replies[0].text == f":large_blue_circle: {HEAD}, consent approved by ann"
    assert not any("drtool approve" in one.all_text for one in replies)


def test_a_refusal_stands_in_the_channel(bench: Bench, slack: SlackStandIn) -> None:
    bench.execute(
        step("one", refuse="the fence is not <proven>"), ports=told(bench, ways(slack.url))
    )
    refusal, end = slack.thread()[1:]
    assert refusal.text.startswith(f":red_circle: {HEAD}, step one was REFUSED: ")
    assert (refusal.shown, end.shown) == (True, True)
    assert "the fence is not &lt;proven&gt;" in refusal.all_text
    assert end.text.startswith(f":red_circle: {HEAD}, refused, untouched")


def test_while_one_channel_takes_nothing_the_other_does(bench: Bench, slack: SlackStandIn) -> None:
    slack.errors[CHANNEL] = "not_in_channel"
    bench.execute(step("one"), ports=told(bench, ways(slack.url)))
    assert not slack.thread(CHANNEL)
    assert slack.thread(FALLBACK)[-1].shown
    (line,) = untold(bench)
    assert line.startswith(f"Slack channel {CHANNEL} did not take a message: lets only members")
    assert "/invite" in line


def test_where_slack_takes_nothing_the_webhook_does(
    bench: Bench, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-revoked")
    bench.execute(step("one"), ports=told(bench, ways(slack.url)))
    assert not slack.messages
    assert slack.hooked[0].text == f":large_blue_circle: {HEAD}, under way"
    assert slack.hooked[-1].text.startswith(f":large_green_circle: {HEAD}, recovered")
    (line,) = untold(bench)
    assert "does not accept the token (invalid_auth)" in line


def test_the_webhook_calls_people_too(
    bench: Bench, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-revoked")
    ports = told(bench, ways(slack.url, mentions={"commander": "U0ANN"}))
    running = Running(bench.engine(approval("consent", deadline=Duration(30)), ports=ports))
    bench.until(lambda: any("<@U0ANN>" in one.all_text for one in slack.hooked), 20)
    bench.ask("approve", "consent", by="ann")
    running.wait(60)
    assert f":large_blue_circle: {HEAD}, consent approved by ann" in [
        one.text for one in slack.hooked
    ]


def test_a_secret_that_is_missing_is_told_with_what_to_type(
    bench: Bench, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_TOKEN")
    bench.execute(step("one"), ports=told(bench, ways(slack.url)))
    assert slack.hooked
    (line,) = untold(bench)
    assert "secret env:SLACK_TOKEN: the variable is not set; export SLACK_TOKEN=..." in line


def test_blocks_that_are_refused_become_plain_text(bench: Bench, slack: SlackStandIn) -> None:
    slack.errors["blocks"] = "invalid_blocks"
    bench.execute(step("one"), ports=told(bench, ways(slack.url)))
    assert slack.thread()[-1].shown
    assert not any(one.blocks for one in slack.messages)
    assert untold(bench) == []


def test_a_first_message_that_may_not_be_changed_stays_as_it_is(
    bench: Bench, slack: SlackStandIn
) -> None:
    slack.errors["update"] = "edit_window_closed"
    bench.execute(step("one"), ports=told(bench, ways(slack.url)))
    root, *_, end = slack.thread()
    assert len(root.texts) == 1
    assert end.shown
    assert "does not let messages be changed" in untold(bench)[0]


def test_a_run_whose_engine_is_killed_is_told_so_and_goes_on_in_its_thread(
    bench: Bench, slack: SlackStandIn
) -> None:
    command = [sys.executable, told_people.__file__, str(bench.directory), slack.url]
    with subprocess.Popen(command) as engine:
        bench.until(lambda: bench.events and bench.outcomes()["gate"] == "running", 30)
        bench.until(lambda: len(slack.thread()) > 1, 20)
        engine.kill()
    root = slack.thread()[0]
    bench.until(lambda: "INTERRUPTED" in root.text and not heralds(), 20)
    assert "drtool resume r1" in slack.thread()[-1].all_text
    assert slack.thread()[-1].shown
    bench.world.put("gate", "yes")
    again = notifier(bench.directory, ways(slack.url))
    again.know(bench.events)
    assert bench.resume(listeners=(again,)).exit_code == 0
    assert [one for one in slack.messages if not one.thread] == [root]
    assert "INTERRUPTED" not in root.text
    assert sum("resumed by tester" in one.text for one in slack.thread()) == 1


def test_a_dry_run_says_so_first(bench: Bench, slack: SlackStandIn) -> None:
    listeners = (notifier(bench.directory, ways(slack.url)),)
    ports = replace(bench.ports(Mode.DRY_RUN), listeners=listeners)
    bench.execute(step("one"), mode=Mode.DRY_RUN, ports=ports)
    assert all("DRY-RUN orders: failover" in one.text for one in slack.messages)
