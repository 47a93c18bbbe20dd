"""Two people at two terminals approve, each with a key of their own; anybody verifies it later."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import ROOT, Terminal, Typed, commands, terminal_in

pytestmark = [pytest.mark.lab, pytest.mark.timeout(420)]
BOOK = "runbooks/hot-standby/orders.yaml -i $LAB_INVENTORY"
ENV = 'eval "$(drtool lab env)"'
ASKS = "Type orders to consent, no to refuse: "


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("people")
    (home / "runbooks").symlink_to(ROOT / "runbooks")
    with terminal_in(home) as first:
        first.follow(Typed("drtool lab up --people"))
        yield home


@pytest.fixture
def operator(home: Path) -> Iterator[Terminal]:
    yield from seated(home, "operator")


@pytest.fixture
def commander(home: Path) -> Iterator[Terminal]:
    yield from seated(home, "commander")


@pytest.fixture
def deputy(home: Path) -> Iterator[Terminal]:
    yield from seated(home, "deputy")


def seated(home: Path, name: str) -> Iterator[Terminal]:
    """A terminal of one person: the key is named once, in the environment."""
    terminal = Terminal(home, environment(home))
    terminal.follow(Typed(f"{ENV}; export DRTOOL_KEY=$LAB_PEOPLE/{name}"))
    yield terminal
    terminal.close()


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}
    return {
        **kept,
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "HOME": str(home),
        "DRTOOL_HOME": str(home / "state"),
        "DRTOOL_LAB_HOME": str(home / "lab"),
        "PS1": "typed-here> ",
        "PS2": "",
        "TERM": "xterm",
        "COLUMNS": "160",
        "LANG": "C.UTF-8",
    }


def code(terminal: Terminal, command: str) -> tuple[int, str]:
    said = terminal.type(Typed(command))
    ended = terminal.type(Typed("echo code=$?"))
    return int(ended.partition("code=$?")[2].partition("code=")[2].split()[0]), said


def until_it_waits(terminal: Terminal, what: str = "waits") -> None:
    end = time.monotonic() + 90
    while what not in (said := terminal.type(Typed("drtool status last"))):
        assert time.monotonic() < end, said
        time.sleep(0.3)


def test_a_failover_that_two_people_approve_with_their_keys(
    home: Path, operator: Terminal, commander: Terminal, deputy: Terminal
) -> None:
    refused, said = code(commander, f"drtool failover {BOOK} --from east --detach")
    assert refused == 3, said
    assert "commander may approve, not operate or rehearse" in said or "not operate" in said
    operator.follow(Typed(f"drtool failover {BOOK} --from east --outage-since now --detach"))
    until_it_waits(operator)
    refused, said = code(operator, "drtool approve last consent --service orders")
    assert refused == 3, said
    assert "operator is not of incident_commander" in said
    first = commander.follow(Typed("drtool approve last consent --service orders"))
    assert "approved by commander: 1 of 2 (commander), waits for one more" in first
    assert "deputy" in first
    shown = operator.type(Typed("drtool status last"))
    assert "1 of 2 (commander), waits for one more of incident_commander: deputy" in shown
    again, said = code(commander, "drtool approve last consent --service orders")
    assert again == 2, said
    assert "commander has answered already" in said
    second = deputy.follow(Typed("drtool approve last consent --service orders"))
    assert "consent is approved" in second
    ended, said = code(operator, "drtool attach last")
    assert ended in {0, 6}, said
    report = json.loads(subprocess.run(
        ["drtool", "report", "last", "--json"], env=environment(home), check=True,
        capture_output=True, text=True, cwd=home,
    ).stdout)  # fmt: skip
    assert report["started_by"]["by"] == "operator"
    (consent,) = report["consents"]
    assert [one["by"] for one in consent["approvals"]] == ["commander", "deputy"]
    verify_offline(home, operator)


def verify_offline(home: Path, terminal: Terminal) -> None:
    """Each signature with plain ssh-keygen, by the command that drtool prints."""
    said = terminal.follow(Typed("drtool report last --approvals proof"))
    assert "ssh-keygen -Y verify" in said
    messages = sorted((home / "proof").glob("*.txt"))
    assert len(messages) == 3, "the start and two approvals"
    for message in messages:
        who = message.stem.rpartition("-")[2]
        done = terminal.type(Typed(
            f"ssh-keygen -Y verify -f proof/allowed_signers -I {who} -n drtool-approval@v1"
            f" -s proof/{message.name}.sig < proof/{message.name}"
        ))  # fmt: skip
        assert f'Good "drtool-approval@v1" signature for {who}' in done
    messages[0].write_text(messages[0].read_text().replace("east", "west"))
    who = messages[0].stem.rpartition("-")[2]
    bad = terminal.type(Typed(
        f"ssh-keygen -Y verify -f proof/allowed_signers -I {who} -n drtool-approval@v1"
        f" -s proof/{messages[0].name}.sig < proof/{messages[0].name}"
    ))  # fmt: skip
    assert "incorrect signature" in bad


def test_the_way_home_at_one_terminal_and_break_glass(
    operator: Terminal, commander: Terminal
) -> None:
    """Reprotect and failback are consented to by the operator, who signs; all of it is marked."""
    asked = [(ASKS, "orders")]
    operator.follow(Typed(f"drtool reprotect {BOOK}", asked))
    operator.follow(Typed(f"drtool failback {BOOK}", asked))
    said = operator.type(Typed("drtool report last"))
    assert "self-consented" in said
    refused, said = code(commander, f"drtool switchover {BOOK} --detach")
    assert refused == 3, said
    assert "--break-glass --reason" in said
    refused, said = code(commander, f"drtool switchover {BOOK} --detach --break-glass")
    assert refused == 2, said
    broken = f"drtool switchover {BOOK} --detach --break-glass --reason 'nobody else is awake'"
    commander.follow(Typed(broken))
    until_it_waits(commander)
    commander.follow(Typed("drtool approve last start --service orders"))
    ended, said = code(operator, "drtool attach last")
    assert ended in {0, 6}, said
    for command in (
        "drtool status last",
        "drtool explain last",
        "drtool runs",
        "drtool report last",
    ):
        assert "BREAK-GLASS" in operator.type(Typed(command)), command


def test_an_abort_is_free_and_a_key_that_nobody_knows_is_told(
    home: Path, operator: Terminal, commander: Terminal
) -> None:
    operator.follow(Typed(f"drtool failover {BOOK} --from west --detach"))
    until_it_waits(operator)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "stranger")], check=True
    )
    bad, said = code(commander, "drtool approve last consent --service orders --key stranger")
    assert bad == 2, said
    assert "is not in the inventory" in said
    bad, said = code(commander, "drtool pause last")
    assert bad == 3, said
    assert "commander may approve, not operate" in said
    free, said = code(commander, "DRTOOL_KEY=stranger drtool abort last --reason 'a drill'")
    assert free == 0, said
    ended, said = code(operator, "drtool attach last")
    assert ended == 4, said
    late, said = code(commander, "drtool approve last consent --service orders")
    assert late == 2, said
    assert "has ended: aborted" in said


def test_the_page_works_as_it_stands(tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to/approvals.md").read_text(encoding="utf-8")
    (tmp_path / "runbooks").symlink_to(ROOT / "runbooks")
    with terminal_in(tmp_path) as terminal:
        for typed in commands(page):
            if "drtool approve" in typed.command:  # a person reads first what is asked
                until_it_waits(terminal)
            terminal.follow(typed)
