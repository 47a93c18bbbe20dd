"""What a real bash is offered for the word that is being typed."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from covered import covered
from engine_bench import chain, plan_of, step
from good_documents import INVENTORY, RUNBOOK

from drtool.cli.complete import keys_under
from drtool.clock import SystemClock
from drtool.journal.home import journal_path
from drtool.journal.store import Journal
from drtool.model.event import ConsentAsked, RunStarted
from drtool.model.purpose import Mode
from drtool.redact import Redactor

PATIENCE = 60.0


@pytest.fixture
def bash(tmp_path: Path) -> dict[str, str]:
    """The environment of a bash that has drtool's completion installed, in a directory of ours."""
    (tmp_path / "books" / "orders").mkdir(parents=True)
    (tmp_path / "books" / "orders" / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    (tmp_path / "books" / "orders" / "orders.yaml").write_text(RUNBOOK, encoding="utf-8")
    (tmp_path / "books" / "notes.yaml").write_text("a: b\n", encoding="utf-8")
    environment = {
        **covered(),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "DRTOOL_HOME": str(tmp_path / "state"),
        "TERM": "dumb",
    }
    subprocess.run(
        ["bash", "-c", "drtool --install-completion; true"],
        env=environment,
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert (tmp_path / ".bash_completions" / "drtool.sh").exists()
    return environment


def offered(environment: dict[str, str], *words: str) -> list[str]:
    """What bash's own completion gives for the last word."""
    script = (
        'source "$HOME/.bash_completions/drtool.sh"; COMP_WORDS=(drtool "$@"); COMP_CWORD=$#; '
        '_drtool_completion drtool; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", *words],
        env=environment,
        cwd=environment["HOME"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


BOOK = "books/orders/orders.yaml"
SHELF = "books/orders/inventory.yaml"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("fail",), ["failover", "failback"]),
        (("failover", ""), [BOOK]),
        (("plan", "bo"), [BOOK]),
        (("plan", "nothing"), []),
        (("lint", "books/"), ["books/orders", BOOK]),
        (("doctor", "-i", ""), [SHELF]),
        (("heartbeat", SHELF, ""), ["orders"]),
        (("plan", BOOK, ""), ["failover", "switchover", "reprotect", "failback"]),
        (("plan", BOOK, "fail"), ["failover", "failback"]),
        (("plan", BOOK, "failover", "--from", ""), ["east", "west"]),
        (("failover", BOOK, "--to", "w"), ["west"]),
        (("failover", "-i", SHELF, "--to", "w"), ["west"]),
        (("plan", BOOK, "failover", "--format", "s"), ["svg"]),
        (("failover", BOOK, "--engine", "d"), ["direct"]),
        (("actions", "postgresql.pro"), ["postgresql.promote"]),
        (("lab", "break", ""), ["east", "west"]),
        (("schema", "i"), ["inventory"]),
        (("explain", ""), ["last"]),
    ],
)
def test_bash_is_offered_what_fits(
    words: tuple[str, ...], wanted: list[str], bash: dict[str, str]
) -> None:
    assert offered(bash, *words) == wanted


def test_runs_and_their_steps_come_from_the_journal(bash: dict[str, str]) -> None:
    home = Path(bash["DRTOOL_HOME"])
    home.mkdir(mode=0o700)
    journal = Journal.open(journal_path(home), SystemClock(), Redactor())
    older, newer = journal.new_run_id(), journal.new_run_id()
    journal.append(newer, ConsentAsked(step="start", what="consent"))
    journal.append(newer, ConsentAsked(step="consent", what="approval", of="oncall"))
    journal.close()
    assert offered(bash, "explain", "") == ["last", newer, older]
    assert offered(bash, "attach", older) == [older]
    assert offered(bash, "approve", "last", "") == ["consent", "start"]
    assert offered(bash, "deny", newer, "s") == ["start"]
    assert offered(bash, "deny", older, "") == []


def test_every_step_of_a_run_can_be_tried_again_or_left_out(bash: dict[str, str]) -> None:
    home = Path(bash["DRTOOL_HOME"])
    home.mkdir(mode=0o700)
    journal = Journal.open(journal_path(home), SystemClock(), Redactor())
    run = journal.new_run_id()
    plan = plan_of(*chain(step("look"), step("fence"), step("followed")))
    begun = RunStarted(plan=plan, mode=Mode.LIVE, requester="t", host="h", pid=1, version="0",
                       engine="direct")  # fmt: skip
    journal.append(run, begun)
    journal.close()
    assert offered(bash, "skip", "last", "") == ["look", "fence", "followed"]
    assert offered(bash, "retry", run, "fo") == ["followed"]
    assert offered(bash, "pause", "") == ["last", run]


def test_a_journal_that_cannot_be_read_offers_nothing(bash: dict[str, str]) -> None:
    home = Path(bash["DRTOOL_HOME"])
    home.mkdir()
    journal_path(home).write_text("no database", encoding="utf-8")
    assert offered(bash, "explain", "") == ["last"]


def test_the_tabulator_fills_the_line_in(bash: dict[str, str]) -> None:
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(bash["HOME"])
        os.execvpe("bash", ["bash", "--norc", "-i"], {**bash, "PS1": "> ", "INPUTRC": "/dev/null"})
    said = ""
    try:
        os.write(fd, b'source "$HOME/.bash_completions/drtool.sh"\ndrtool plan bo\t')
        end = time.monotonic() + PATIENCE
        while BOOK not in said:
            assert time.monotonic() < end, said
            if select.select([fd], [], [], 1)[0]:
                said += os.read(fd, 65536).decode(errors="replace")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(fd)


def test_completing_imports_nothing_heavy(bash: dict[str, str]) -> None:
    code = (
        "import sys\nsys.argv = ['drtool']\nfrom drtool.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'rich', 'yaml', 'jinja2', 'prefect', 'drtool.model', 'drtool.verbs'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    words = f"drtool plan {BOOK} failover --from "
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **bash,
            "COMP_WORDS": words,
            "COMP_CWORD": "5",
            "_DRTOOL_COMPLETE": "complete_bash",
        },
        cwd=bash["HOME"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["east", "west", "[]"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("sites:\n  east:\n    address: a\n  west: {address: b}\nhosts: {}\n", ["east", "west"]),
        ("sites:\n\n  # home\n  east: {}\n", ["east"]),
        ("sites: {east: {}}\n", []),
        ("a:\n  sites:\n    east: {}\n", []),
        ("", []),
    ],
)
def test_keys_are_read_as_far_as_they_stand_line_by_line(text: str, keys: list[str]) -> None:
    assert keys_under(text, "sites") == keys
