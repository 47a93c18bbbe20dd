"""Every command that the documentation shows is typed by a test, or says why it cannot be."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from terminal import ROOT, Terminal, Typed, commands, terminal_in, write_files

# Pages whose commands a test of their own types, or runs with other files than the page's.
RUN_BY = {
    "docs/tutorial/own-service.md": "tests/acceptance/test_tutorial.py",
    "docs/how-to/write-an-action.md": "tests/acceptance/test_write_an_action.py",
    "docs/how-to/check-readiness.md": "tests/integration/test_doctor.py",
    "docs/how-to/approvals.md": "tests/acceptance/test_approvals.py",
    "docs/how-to/bundle.md": "tests/acceptance/test_wheel.py",
    "docs/how-to/notify-slack.md": "tests/integration/test_slack.py",
    "docs/how-to/watch.md": "tests/faults/test_watch_runs.py",
    "docs/how-to/lab-system-servers.md": "tests/integration/test_lab_system.py",
    "docs/how-to/start-your-own.md": "tests/acceptance/test_author_guides.py",
    "docs/how-to/survive-a-lost-site.md": "tests/unit/verbs/doctor/test_without.py",
    "docs/how-to/verify-a-journal.md": "tests/acceptance/test_verify_a_journal.py",
    "docs/how-to/editor.md": "tests/acceptance/test_author_guides.py",
    "docs/how-to/control-a-run.md": "tests/integration/test_steering.py",
    "docs/how-to/paper-runbook.md": "tests/acceptance/test_author_guides.py",
    "docs/how-to/who-may-act.md": "tests/integration/test_take_over.py",
}
TYPED_HERE = {"README.md", "docs/how-to/run-from-ci.md"}
CANNOT = {
    "source .venv/bin/activate": "the test's shell has drtool on its path",
    "prefect worker start --pool recovery": "it works until it is stopped",
    "cat /etc/ssh/ssh_host_ed25519_key.pub": "the machine may have no SSH server of its own",
    "touch /var/lib/postgresql/drtool.release && systemctl start postgresql@17-main": (
        "it is about a server that systemd starts; tests/unit/test_install_guide.py tries the guard"
    ),
}
_MAKE = re.compile(r"(?:^ {4}|`)make (\w+)", re.MULTILINE)
# `drtool.flows` is there in an installed drtool only.
AS_INSTALLED = f"import drtool\ndrtool.__path__.append({str(ROOT)!r})\n"


@dataclass(frozen=True)
class Page:
    """A page of the documentation, by its path."""

    name: str

    @property
    def text(self) -> str:
        return (ROOT / self.name).read_text(encoding="utf-8")

    def commands(self) -> list[Typed]:
        """Those of its console blocks; the README's are indented, so that any reader shows them."""
        if self.name != "README.md":
            return list(commands(self.text))
        blocks = re.findall(r"(?:^    .*\n)+", self.text, re.MULTILINE)
        typed = [one.replace("\n    ", "\n")[4:] for one in blocks if one.startswith("    $ ")]
        return list(commands("".join(f"```console\n{one}```\n" for one in typed)))


PAGES = [
    Page(str(path.relative_to(ROOT)))
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
]


def plain(typed: Typed) -> str:
    return typed.command.partition("  #")[0].strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_pages_commands_are_typed_somewhere(page: Page) -> None:
    left = [plain(one) for one in page.commands() if plain(one) not in CANNOT]
    if page.name in TYPED_HERE or not left:
        return
    assert page.name in RUN_BY, f"{left} are run by no test"
    tests = (ROOT / RUN_BY[page.name]).read_text(encoding="utf-8")
    typed = "commands(" in tests or "COMMANDS" in tests
    for command in left if not typed else ():
        verb = command.removeprefix("drtool ").split()[0].rpartition("/")[2]
        assert re.search(rf"\b{verb}\b", tests), command


def test_what_cannot_be_typed_is_still_shown() -> None:
    shown = {plain(one) for page in PAGES for one in page.commands()}
    assert set(CANNOT) <= shown


def test_what_make_is_asked_for_is_there() -> None:
    asked = {word for page in PAGES for word in _MAKE.findall(page.text)}
    known = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"drill", "test"} <= asked <= known


def follow(terminal: Terminal, typed: Typed) -> None:
    if "drtool approve" in typed.command:  # a person reads first what is asked
        terminal.type(Typed("until drtool status last | grep -q waits; do sleep 0.1; done"))
    if plain(typed) not in CANNOT:
        terminal.follow(typed)


@pytest.mark.lab
@pytest.mark.timeout(300)
def test_the_readme_and_the_commands_for_ci_work_as_they_stand(tmp_path: Path) -> None:
    """One lab for all: the commands for CI while both sites are well, then the README's outage."""
    readme, ci = Page("README.md").commands(), Page("docs/how-to/run-from-ci.md")
    up = next(number for number, one in enumerate(readme) if "lab break" in one.command)
    (tmp_path / "runbooks").symlink_to(ROOT / "runbooks")
    write_files(ci.text, tmp_path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(AS_INSTALLED)
    with terminal_in(tmp_path, PYTHONPATH=str(tmp_path / "site")) as terminal:
        for one in readme[:up]:
            follow(terminal, one)
        for one in ci.commands():
            follow(terminal, one)
        home = "drtool failback runbooks/hot-standby/orders.yaml -i $LAB_INVENTORY"
        terminal.follow(Typed(home, [("Type orders to consent, no to refuse: ", "orders")]))
        for one in readme[up:]:
            follow(terminal, one)
    assert "switchover" in (tmp_path / "drill.html").read_text().lower()


def test_the_script_for_ci_needs_neither_network_nor_secret(tmp_path: Path) -> None:
    (tmp_path / "runbooks").symlink_to(ROOT / "runbooks")
    write_files(Page("docs/how-to/run-from-ci.md").text, tmp_path)
    done = subprocess.run(
        ["sh", "check-runbooks.sh"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={
            **os.environ,
            "DRTOOL_HOME": str(tmp_path / "state"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"orders.yaml [0-9a-f]{64}$", done.stdout, re.MULTILINE)
    assert (tmp_path / "paper.html").exists()
