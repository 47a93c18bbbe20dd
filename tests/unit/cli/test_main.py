from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from covered import covered

EVERY = (
    *("failover", "switchover", "failback", "reprotect", "approve", "deny", "state", "abort"),
    *(
        "resume",
        "attach",
        "status",
        "explain",
        "runs",
        "report",
        "heartbeat",
        "lint",
        "plan",
        "init",
        "schema",
    ),
    *("bundle", "actions", "server", "lab", "doctor"),
)


def drtool(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "drtool", *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**covered(), "DRTOOL_HOME": str(home), "PATH": "/usr/bin:/bin"},
    )


def test_help_names_every_verb(tmp_path: Path) -> None:
    done = drtool("--help", home=tmp_path)
    assert done.returncode == 0
    assert not [verb for verb in EVERY if f"  {verb} " not in done.stdout]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['drtool', '--version']\n"
        "from drtool.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        # typer brings pydantic itself
        "heavy = {'rich', 'prefect', 'psycopg', 'paramiko', 'yaml', 'jinja2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["status", "nope"], 2, "no run has been started yet"),
        (["explain"], 2, "no run has been started yet"),
        (["approve", "nope", "start", "--service", "x"], 2, "no run has been started yet"),
        (["lint", "missing.yaml"], 2, "missing.yaml"),
        (["failover", "missing.yaml"], 2, "no terminal to ask for consent at"),
        (["failover", "missing.yaml", "--dry-run"], 2, "missing.yaml"),
        (["failover", "missing.yaml", "--outage-since", "5"], 2, "neither a time nor a duration"),
        (["actions", "postgresql.promot"], 2, "did you mean postgresql.promote?"),
        (["bundle"], 2, "wants runbooks to pack, or --verify FILE to check one"),
        (["bundle", "--verify", "missing.tar.gz"], 2, "missing.tar.gz: cannot be read"),
        (["frobnicate"], 2, "No such command"),
        (
            ["abort", "r1", "--reason", "caf\udce9"],  # the byte 0xe9, as latin-1 has it
            2,
            "argument 4: 'caf?' is not UTF-8\n  hint: is this terminal set to another encoding?",
        ),
    ],
)
def test_bad_input_ends_with_code_2_and_no_traceback(
    words: list[str], code: int, said: str, tmp_path: Path
) -> None:
    done = drtool(*words, home=tmp_path)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == code


def test_an_actions_defaults_are_told_as_one_writes_them(tmp_path: Path) -> None:
    said = drtool("actions", "http.writes", home=tmp_path).stdout
    assert '"probe": true}' in " ".join(said.split())
    assert "[200, 201]" in said
    assert "None" not in said


def test_without_a_run_the_lists_are_empty(tmp_path: Path) -> None:
    assert drtool("runs", home=tmp_path).stdout == "no runs yet\n"
    assert drtool("status", home=tmp_path).stdout == "no runs yet\n"


def test_a_sign_that_the_terminals_encoding_has_not_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "drtool", "doctor"],
        capture_output=True,
        text=True,
        check=False,
        env={**covered(), "DRTOOL_HOME": str(tmp_path), "PYTHONIOENCODING": "latin-1"},
    )
    assert "Traceback" not in done.stderr
    assert "\\u2714 drtool" in done.stdout
