"""F61: whatever Slack does, a run goes on as if nobody were told; what was not told is known."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from engine_bench import FAST, Bench, Running, chain, failover_steps, step
from fault_record import Fault
from slack_standin import SlackStandIn
from told_people import heralds, told, untold, ways

from drtool.reports.html import to_html
from drtool.reports.report import report
from drtool.units import Duration

pytestmark = pytest.mark.faults
Break = Callable[[SlackStandIn], str]


@pytest.fixture
def bench(tmp_path: Path, slack: SlackStandIn) -> Iterator[Bench]:
    made = Bench(tmp_path, limits=FAST)
    yield made
    slack.release()
    for pid in heralds():
        os.kill(pid, signal.SIGKILL)
    made.journal.close()


@pytest.fixture
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a run writes that nobody is told of."""
    made = Bench(tmp_path_factory.mktemp("undisturbed"))
    made.execute(*failover_steps())
    kinds = made.kinds()
    made.journal.close()
    return kinds


def hanging(slack: SlackStandIn) -> str:
    slack.hang()
    return slack.url


def limited(slack: SlackStandIn) -> str:
    slack.limit(1000, retry_after=60)
    return slack.url


def failing(slack: SlackStandIn) -> str:
    slack.answer_with(500, "sorry")
    return slack.url


def strange(slack: SlackStandIn) -> str:
    slack.answer_with(200, "<html>log in to the airport</html>")
    return slack.url


def refusing(slack: SlackStandIn) -> str:
    slack.token = "another"
    slack.errors["hook"] = "action_prohibited"
    return slack.url


def down(slack: SlackStandIn) -> str:
    slack.errors["hook"] = "no_service"
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/api/"


ALL = [hanging, limited, failing, strange, refusing, down]


@pytest.mark.parametrize("broken", ALL, ids=lambda one: one.__name__)
def test_f61_a_run_is_the_same_whatever_slack_does(
    bench: Bench, slack: SlackStandIn, undisturbed: list[str], broken: Break, fault: Fault
) -> None:
    ports = told(bench, ways(broken(slack)))
    ended = bench.execute(*failover_steps(), ports=ports)
    assert ended.exit_code == 0
    kinds = bench.kinds()
    assert kinds[: len(undisturbed)] == undisturbed
    assert set(kinds[len(undisturbed) :]) == {"warned"}
    assert not slack.messages
    assert not slack.hooked
    fault.injected(f"Slack was {broken.__name__}: no message was posted")
    said = untold(bench)
    # a machine so busy that the herald has not begun is told of as just that
    owned_up = [text for text in ("told of the end", "told is not known") if text in str(said)]
    assert owned_up, said
    assert owned_up[0] in to_html(report(bench.events))
    fault.got("; ".join(said))


def test_f61_a_run_ends_while_slack_still_holds_its_first_message(
    bench: Bench, slack: SlackStandIn, fault: Fault
) -> None:
    slack.hang()
    gate = step("gate", "bench.is", key="gate", deadline=Duration(30))
    steps = chain(gate, *failover_steps())
    running = Running(bench.engine(*steps, ports=told(bench, ways(slack.url))))
    bench.until(lambda: slack.held == 1, 20)
    fault.injected("Slack holds the first message")
    bench.world.put("gate", "yes")
    assert running.wait().exit_code == 0
    assert slack.held == 1
    assert slack.asked == ["chat.postMessage"]
    assert "it is not known whether anybody was told of the start" in untold(bench)[0]


def state_of(pid: int) -> str:
    """The kernel's letter for what a process does: T is stopped; empty when it is gone."""
    try:
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""
    return letter.replace("Z", "")


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_f61_the_process_that_tells_people_may_hang_or_die(
    bench: Bench, slack: SlackStandIn, undisturbed: list[str], number: signal.Signals, fault: Fault
) -> None:
    ports = told(bench, ways(slack.url))
    bench.until(heralds, 20)
    (herald,) = heralds()
    os.kill(herald, number)
    bench.until(lambda: state_of(herald) in {"T", ""}, 20)
    fault.injected(f"{number.name}: the process {herald} is stopped or gone")
    assert bench.execute(*failover_steps(), ports=ports).exit_code == 0
    assert bench.kinds()[: len(undisturbed)] == undisturbed
    (line,) = untold(bench)
    assert line.startswith("what people were told is not known: the process that tells them")
    fault.got(line)


def test_f61_what_comes_back_is_told_what_it_missed(
    bench: Bench, slack: SlackStandIn, fault: Fault
) -> None:
    slack.limit(1, retry_after=4)
    made = replace(bench, limits=replace(FAST, listeners=30.0, ending=30.0))
    notify = ways(slack.url, fallback_channel=None).model_copy(update={"webhook": None})
    ended = made.execute(*failover_steps(), ports=told(made, notify))
    assert ended.exit_code == 0
    root, *_, end = slack.thread()
    assert end.shown
    assert "recovered" in root.text
    (line,) = untold(made)
    assert "takes no more messages for 4 s: too many were sent" in line
    fault.injected(line)
    made.journal.close()
