"""A failover and the way back by the paper runbook alone: every command is typed as it stands."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from lab_runs import ADDRESS, EAST, RUNBOOK, WEST, Operator, PracticeLab, wait_until

from drtool.connections.typed import parted

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
PROGRAMS = ("ssh", "psql", "curl", "dig", "nsupdate")
# What is only done when the way before it failed: from the first sentence up to the second.
ALTERNATIVES = (
    ("If that cannot be done, cut its power", "PowerState must be Off"),
    ("If it cannot be rewound, copy the other", "Either way:"),
    ("If it is not, promote nothing", "the step's end"),
)
MARK = "typed-and-done"
PATIENCE = 30.0


class Person:
    """Somebody at a shell, in the inventory's directory, with nothing but the paper.

    What is asked for on the way (passwords, host keys, the service's name) is known beforehand.
    """

    def __init__(self, lab: PracticeLab, directory: Path) -> None:
        inventory = yaml.safe_load(lab.layout.inventory.read_text(encoding="utf-8"))
        known = directory / "known_hosts"
        hosts = [host["ssh"] for host in inventory["hosts"].values()]
        known.write_text(
            "".join(f"[{ssh['address']}]:{ssh['port']} {ssh['host_key']}\n" for ssh in hosts)
        )
        self._lab = lab
        environment = {**os.environ, "PGPASSWORD": lab.password("drtool"), "HOME": str(directory)}
        self._shell = subprocess.Popen(
            ["bash", "--norc"],
            cwd=lab.home,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        name = f"orders.lab.test:{lab.ports.orders}:{ADDRESS[WEST]}"
        self.type(f'ssh() {{ command ssh -o UserKnownHostsFile={known} "$@"; }}')
        self.type(f'curl() {{ command curl --resolve {name} "$@"; }}')

    def type(self, command: str) -> str:
        """What a command prints; it ends, however it ends."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{{ {command}\n}} < /dev/null\necho {MARK}\n")
        self._shell.stdin.flush()
        said, out = "", self._shell.stdout.fileno()
        while not said.endswith(f"{MARK}\n"):
            assert select.select([out], [], [], PATIENCE)[0], f"no end of {command}\n{said}"
            said += os.read(out, 65536).decode()
        return said.removesuffix(f"{MARK}\n")

    def follow(self, paper: str) -> dict[str, str]:
        """All the commands of a paper runbook; what each step's printed."""
        said: dict[str, str] = {}
        step = ""
        for where, command in commands(paper):
            if where == "step":
                step = command
                said[step] = ""
            else:
                said[step] += f"> {command}\n" + self.type(self._answered(command))
        return said

    def _answered(self, command: str) -> str:
        """The command, with what the person answers to its questions."""
        if "-u drtool " in command:
            site = EAST if ADDRESS[EAST] in command else WEST
            password = self._lab.layout.secret(f"{site}_power.password").read_text().strip()
            return command.replace("-u drtool ", f"-u drtool:{password} ")
        command = re.sub(
            r"read -rsp [^;]*PGPASSWORD", f"PGPASSWORD={self._lab.password('drtool')}", command
        )
        return command.replace("=PASSWORD ", f"={self._lab.password('replicator')} ")

    def close(self) -> None:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.kill()
        self._shell.wait()
        self._shell.stdin.close()
        self._shell.stdout.close()


def commands(paper: str) -> Iterator[tuple[str, str]]:
    """Steps and commands in order; what is typed on a host goes there in one session."""
    login, session = "", list[str]()
    for block in re.split(r"\n(?=\[ \] \d+\. )", paper)[1:]:
        yield "step", block.split(" ")[3].rstrip(":")
        for prompt, text in [*wanted(lines_of(block)), ("$", "")]:
            if session and prompt == "$":
                yield "host", f"{login} bash -s 2>&1 <<'HOST'\n" + "\n".join(session) + "\nHOST"
                session = []
            if prompt == "$" and text.startswith("ssh "):
                login = text
            elif prompt == "$" and text:
                yield "shell", text
            elif prompt != "$":
                session.append(text)


def wanted(lines: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The commands, without those of ways that are not needed."""
    until = ""
    for prompt, text in lines:
        if prompt and not until:
            yield prompt, text
        elif not prompt:
            begun = [end for begin, end in ALTERNATIVES if text.startswith(begin)]
            until = begun[0] if begun else "" if until and text.startswith(until) else until


def lines_of(block: str) -> Iterator[tuple[str, str]]:
    """The lines of a step, a here-document as one."""
    held = ""
    for line in [line.removeprefix("      ") for line in block.splitlines()[2:]]:
        held = f"{held}\n{line}" if held else line
        if "<<END" in held and not held.endswith("\nEND"):
            continue
        yield parted(held)
        held = ""


@pytest.fixture
def person(lab: PracticeLab, tmp_path: Path) -> Iterator[Person]:
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    somebody = Person(lab, tmp_path)
    try:
        yield somebody
    finally:
        somebody.close()


def paper(operator: Operator, procedure: str) -> str:
    words = ("plan", RUNBOOK, procedure, "--inventory", operator.lab.inventory(), "--manual")
    typed = operator.type(*words, "--from", EAST, "--to", WEST)
    assert typed.code == 0, typed.said
    return typed.out


def test_there_and_back_with_nothing_but_paper(
    lab: PracticeLab, operator: Operator, person: Person
) -> None:
    lab.place_orders(EAST)
    there, back = paper(operator, "failover"), paper(operator, "reprotect")
    lab.write_alone(EAST)
    said = person.follow(there)
    assert "does not connect" in said["fence"]
    assert said["promote"].splitlines()[-2:] == ["t", "f"]
    assert said["dns_agrees"].splitlines()[1::2] == [ADDRESS[WEST]] * 2
    assert "HTTP/1.1 201" in said["orders_accepted"]
    assert "DROP TABLE" in said["row_committed"]
    world = lab.world()
    assert world.roles[WEST] == "primary"
    assert world.roles[EAST] != "primary"
    assert set(world.names.values()) == {ADDRESS[WEST]}

    assert "pg_rewind: Done!" in person.follow(back)["reinstate"]
    wait_until(lambda: "east streaming" in lab.site(WEST).postgresql.followed_by)
    lab.caught_up(WEST)
    assert lab.world().roles == {EAST: "standby", WEST: "primary"}


def test_a_planned_move_with_nothing_but_paper(
    lab: PracticeLab, operator: Operator, person: Person
) -> None:
    lab.place_orders(EAST)
    orders = lab.world().orders
    said = person.follow(paper(operator, "switchover"))
    assert "shut down" in said["demote"]
    wait_until(lambda: "east streaming" in lab.site(WEST).postgresql.followed_by)
    world = lab.world()
    assert world.roles == {EAST: "standby", WEST: "primary"}
    assert world.orders == orders
