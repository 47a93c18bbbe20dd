"""The whole way of an approval through real commands and engines, on a runbook without servers."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from signed_people import People
from terminal import PROMPT, Terminal, Typed

from drtool.model.people import Right

PEOPLE = {
    "operator": (Right.OPERATE,),
    "rehearser": (Right.REHEARSE,),
    "commander": (Right.APPROVE,),
    "deputy": (Right.APPROVE,),
}
RUNBOOK = """\
version: 1
runbook: orders
inventory: inventory.yaml
service: orders
procedures:
  failover:
    - {step: consent, approval: {of: incident_commander, budget: BUDGET}}
    - {step: call, manual: Call the carrier., owner: deputy, purpose: verify, deadline: 5m}
waivers: {failback: none is wanted}
"""


@dataclass
class Desk:
    """A directory with a runbook, an inventory, people's keys, and a journal."""

    home: Path
    people: People
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, budget: str = "2m", without: str = "", **more: str) -> None:
        lines = [
            f'  {name}: {{keys: ["{key}"], may: [{", ".join(one.value for one in PEOPLE[name])}]}}'
            for name, key in self.people.keys.items()
            if name != without
        ]
        (self.home / "inventory.yaml").write_text(
            "version: 1\nservices: {orders: {preferred: east}}\n"
            "sites: {east: {address: 192.0.2.1}, west: {address: 192.0.2.2}}\n"
            + ("people:\n" + "\n".join(lines) + "\n" if more.get("people", "yes") == "yes" else "")
            + "roles: {incident_commander: {people: [commander], deputies: [deputy],"
            f" needs: {more.get('needs', '2')}}}}}\n"
        )
        (self.home / "orders.yaml").write_text(RUNBOOK.replace("BUDGET", budget))

    def run(self, words: str, key: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        given = ["--key", str(self.people.file(key))] if key else []
        return subprocess.run(
            [sys.executable, "-m", "drtool", *shlex.split(words), *given], cwd=self.home,
            env=self.environment | variables, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self, key: str = "operator", words: str = "") -> str:
        done = self.run(
            f"failover orders.yaml --from east --to west --engine direct --detach {words}", key
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[1]

    def until(self, text: str) -> str:
        end = time.monotonic() + 60
        while text not in (said := self.run("status last").stdout):
            assert time.monotonic() < end, said
            time.sleep(0.1)
        return said

    def report(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.run("report last --json").stdout)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    people = People(tmp_path)
    people.rights = dict(PEOPLE)
    people.keys = {name: people._make(name) for name in PEOPLE}
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"SSH_AUTH_SOCK", "DRTOOL_KEY", "PREFECT_API_URL"}
    }
    made = Desk(tmp_path, people, environment)
    made.environment |= {
        "HOME": str(tmp_path),
        "DRTOOL_HOME": str(tmp_path / "state"),
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
    made.write()
    yield made
    made.run("abort last")


def test_two_approvals_and_work_by_hand_with_evidence(desk: Desk) -> None:
    run = desk.start()
    desk.until("0 of 2, waits for 2 of incident_commander: commander, deputy")
    first = desk.run("approve last consent --service orders", "commander")
    assert first.stdout == (
        f"{run}: consent is approved by commander: 1 of 2 (commander), "
        "waits for one more of incident_commander: deputy\n"
    )
    assert "1 of 2 (commander), waits for one more" in desk.run("explain last").stdout
    assert "consent is approved" in desk.run(
        "approve last consent --service orders", "deputy"
    ).stdout  # fmt: skip
    desk.until("Call the carrier.")
    (desk.home / "photo.bin").write_bytes(b"\x00\xff evidence")
    wrong = desk.run("confirm last call --evidence photo.bin", "commander")
    assert (wrong.returncode, "commander is not deputy, whose work it is" in wrong.stderr) == (
        3,
        True,
    )
    missing = desk.run("confirm last call --evidence nothing.bin", "deputy")
    assert missing.returncode == 2
    assert "evidence nothing.bin: No such file or directory" in missing.stderr
    done = desk.run("confirm last call --evidence photo.bin --reason 'they answered'", "deputy")
    assert "call is confirmed as done" in done.stdout, done.stderr
    assert desk.run("attach last").returncode == 0
    made = desk.report()
    consents = made["consents"]
    assert isinstance(consents, list)
    (kept,) = consents[1]["evidence"]
    stored = Path(kept["stored"])
    assert stored.read_bytes() == b"\x00\xff evidence"
    assert stored.parent == desk.home / "state" / "reports" / f"{run}.evidence"
    assert stored.stat().st_mode & 0o077 == 0
    assert (kept["name"], kept["size"]) == ("photo.bin", 11)
    html = (desk.home / "state" / "reports" / f"{run}.html").read_text()
    for shown in ("SHA256:", "photo.bin", kept["sha256"], "Begun by <b>operator</b>", "ssh-keygen"):
        assert shown in html


def test_anybody_verifies_the_signatures_with_plain_ssh_keygen(desk: Desk) -> None:
    desk.start()
    desk.until("0 of 2")
    for name in ("commander", "deputy"):
        assert desk.run("approve last consent --service orders", name).returncode == 0
    desk.until("Call the carrier.")
    said = desk.run("report last --approvals 'the proof'").stdout
    commands = [line.strip() for line in said.splitlines() if "-Y verify" in line]
    assert len(commands) == 3
    for command, name in zip(commands, ("operator", "commander", "deputy"), strict=True):
        done = subprocess.run(
            ["sh", "-c", command], cwd=desk.home, capture_output=True, text=True, check=False
        )
        assert f'Good "drtool-approval@v1" signature for {name}' in done.stdout, done.stderr
    message = desk.home / "the proof" / "02-consent-commander.txt"
    message.write_text(message.read_text().replace("commander", "deputy"))
    bad = subprocess.run(["sh", "-c", commands[1]], cwd=desk.home, capture_output=True, check=False)
    assert bad.returncode != 0


@pytest.mark.parametrize(
    ("words", "key", "code", "told"),
    [
        ("approve last consent --service orders", "operator", 3, "operator is not of incident_com"),
        ("approve last consent --service orders", "", 2, "your SSH key: is not found"),
        ("approve last consent --service order", "commander", 2, "--service says 'order'"),
        ("approve last call --service orders", "commander", 2, "step 'call' does not wait"),
        ("approve 2020 consent --service orders", "commander", 2, "there is no such run"),
        ("confirm last consent", "commander", 2, "waits for an approval; expected work by hand"),
        (
            "approve last consent --service orders --break-glass", "commander", 2,
            "--break-glass: no reason is given",
        ),
        ("pause last", "", 2, "your SSH key: is not found"),
        ("state last consent --service orders --reason x", "", 2, "your SSH key: is not found"),
    ],
)  # fmt: skip
def test_what_is_refused_says_why_and_what_to_type(
    desk: Desk, words: str, key: str, code: int, told: str
) -> None:
    desk.start()
    desk.until("0 of 2")
    done = desk.run(words, key)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "0 of 2" in desk.run("status last").stdout


def test_a_key_that_is_not_in_the_inventory(desk: Desk) -> None:
    desk.start()
    desk.until("0 of 2")
    desk.people._make("stranger")
    done = desk.run("approve last consent --service orders", "stranger")
    assert done.returncode == 2
    assert "is not in the inventory; expected a key of operator, rehearser, commander, deputy" in (
        done.stderr
    )
    assert 'people: {NAME: {keys: ["ssh-ed25519 ' in done.stderr


@pytest.mark.parametrize(
    ("key", "words", "code"),
    [
        ("", "", 2),
        ("commander", "", 3),
        ("rehearser", "", 3),
        ("rehearser", "--drill", 0),
        ("commander", "--drill", 3),
        ("commander", "--dry-run", 0),
        ("commander", "--break-glass", 2),
        ("commander", "--break-glass --reason 'nobody is awake'", 0),
    ],
)
def test_who_may_start_what(desk: Desk, key: str, words: str, code: int) -> None:
    done = desk.run(
        f"failover orders.yaml --from east --to west --engine direct --detach {words}", key
    )
    assert done.returncode == code, done.stderr
    if code:
        assert "hint: " in done.stderr
        assert "there is none" in desk.run("status last").stderr, "nothing was started"
    elif "--break-glass" in words:
        for told in ("status last", "status", "explain last", "runs", "report last"):
            assert "BREAK-GLASS" in desk.run(told).stdout, told


def test_an_answer_after_the_end_of_the_wait(desk: Desk) -> None:
    desk.write(budget="1s")
    desk.start()
    assert desk.run("attach last").returncode == 4
    done = desk.run("approve last consent --service orders", "commander")
    assert (done.returncode, "has ended: aborted" in done.stderr) == (2, True)
    assert "nobody answered within 1s" in desk.run("explain last").stdout


def test_a_key_that_was_removed_from_the_file_counts_no_more(desk: Desk) -> None:
    """F62 by the file itself: the run's stored copy knows the key, today's file does not."""
    desk.write(needs="1")
    desk.start()
    desk.until("waits for one of incident_commander")
    inventory = desk.home / "inventory.yaml"
    before = inventory.read_text()
    gone = before.replace("people: [commander]", "people: [deputy]").replace(
        "deputies: [deputy]", "deputies: []"
    )
    inventory.write_text(
        "\n".join(line for line in gone.splitlines() if not line.startswith("  commander:")) + "\n"
    )
    done = desk.run("approve last consent --service orders", "commander")
    assert done.returncode == 3, done.stdout
    assert "is not one of commander in the inventory any more" in done.stderr
    inventory.write_text("this is no inventory: [")
    done = desk.run("approve last consent --service orders", "commander")
    assert done.returncode == 0, "a file that cannot be read takes nothing away"


def test_without_keys_everything_is_as_it_was(desk: Desk) -> None:
    desk.write(people="no", needs="1")
    desk.start(key="")
    desk.until("step consent waits")
    done = desk.run("approve last consent --service orders")
    assert "consent is approved" in done.stdout, done.stderr
    desk.until("Call the carrier.")
    assert desk.run("confirm last call").returncode == 0
    assert desk.run("attach last").returncode == 0
    assert "self-consented" in desk.run("report last").stdout
    assert "nothing in it is signed" in desk.run("report last --approvals proof").stderr


def test_two_terminals_and_a_passphrase(desk: Desk) -> None:
    """One follows the run and is asked; the other one answers first, with a locked key."""
    locked = desk.people.file("deputy")
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", str(locked)], check=True
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    seats = {**desk.environment, "PS1": PROMPT, "PS2": "", "TERM": "xterm", "PATH": path}
    seats.pop("NO_COLOR")
    desk.start()
    desk.until("0 of 2")
    first, second = (Terminal(desk.home, seats) for _ in range(2))
    try:
        os.write(first.fd, f"drtool attach last --key {desk.people.file('commander')}\n".encode())
        first.read_until("Type orders to consent, no to refuse: ")
        typed = f"drtool approve last consent --service orders --key {locked}"
        said = second.type(Typed(typed, [(f"Passphrase of {locked}: ", "open sesame")]))
        assert "1 of 2 (deputy), waits for one more of incident_commander: commander" in said
        assert "open sesame" not in said
        os.write(first.fd, b"orders\n")
        desk.until("Call the carrier.")
        os.write(first.fd, b"\x03")
        first.read_until(PROMPT)
    finally:
        for seat in (first, second):
            seat.close()
    for found in (desk.home / "state").rglob("*"):
        if found.is_file():
            assert b"open sesame" not in found.read_bytes()


def test_doctor_says_whose_key_is_at_hand(desk: Desk) -> None:
    for key, told in (
        ("operator", "operator, with key SHA256:"),
        ("commander", "live runs are started by operator"),
        ("nowhere", "people/nowhere: No such file or directory"),
    ):
        said = desk.run("doctor orders.yaml", DRTOOL_KEY=str(desk.people.file(key))).stdout
        assert told in " ".join(said.split()), said
