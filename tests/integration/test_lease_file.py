"""The arbiter that is a file on a host, over a real SSH server."""

from __future__ import annotations

import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from lease_world import LeaseWorld

from drtool.action import Facts, Hands
from drtool.clock import SystemClock
from drtool.connections import ssh_cell
from drtool.connections.cell import Kept
from drtool.connections.ssh import SshHands
from drtool.connections.ssh_cell import SshCell
from drtool.connections.token_guard import TokenGuard
from drtool.errors import BadInput, LeaseHeld, StepFailed
from drtool.journal.store import Journal
from drtool.lease.arbiter import take
from drtool.lease.dns_record import parse
from drtool.lease.file import host_of, take_file
from drtool.lease.kept import KeptLease
from drtool.lease.pair import PairLease
from drtool.lease.whereabouts import marks, where_kept
from drtool.model.purpose import Procedure
from drtool.redact import Redactor

FILE = {"at": "file"}
ANN, BEN = "20261123-051401-7f3a", "20261123-051402-0000"


def take_west(world: LeaseWorld, holder: str, run: str, *, by_force: bool = False) -> KeptLease:
    return take_file("orders", "west", world.context(FILE), holder, run, by_force=by_force)


def text(world: LeaseWorld, site: str = "west") -> str:
    (found,) = (world.state(site) / "leases").glob("orders.lease.*")
    return found.read_text().strip()


def test_one_holds_and_the_other_is_told_who_since_when_and_the_way_out(
    lease_world: LeaseWorld,
) -> None:
    lease = take_west(lease_world, "ann@desk", ANN)
    lease.check()
    with pytest.raises(LeaseHeld) as raised:
        take_west(lease_world, "ben", BEN)
    assert raised.value.found.startswith(f"held by ann@desk, run {ANN}, token ")
    assert "since 2026-11-23 05:14:01 UTC (at file west_host)" in raised.value.found
    assert "its lease runs out at " in raised.value.hint
    assert "--take-over --reason" in raised.value.hint
    lease._renew()
    lease.check()
    lease.release()
    assert "free" in text(lease_world)
    other = take_west(lease_world, "ben", BEN)
    assert other.token > lease.token
    other.release()


def test_of_many_takers_one_wins(lease_world: LeaseWorld) -> None:
    leases: list[KeptLease] = []
    refusals: list[str] = []
    start = threading.Barrier(10)

    def taker(number: int) -> None:
        start.wait()
        try:
            leases.append(take_west(lease_world, f"h{number}", f"run-{number}"))
        except LeaseHeld as error:
            refusals.append(error.found)

    threads = [threading.Thread(target=taker, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = leases
    assert len(refusals) == 9
    winner.check()
    winner.release()


def test_of_many_who_exchange_the_same_text_exactly_one_does(tmp_path: Path) -> None:
    """Also while others go on and tidy up: the script itself, as a host runs it."""
    script = Path(ssh_cell.__file__).with_name("ssh_cell.sh").read_text()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", script, "cell", words[0], str(tmp_path), "x", *words[1:]],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    done: list[int] = []
    start = threading.Barrier(8)

    def writer(number: int) -> None:
        start.wait()
        for _ in range(12):
            serial = run("read").stdout.splitlines()[0].split()[1]
            ran = run("exchange", serial, f"of {number}")
            assert ran.returncode in {0, 11}, ran.stderr
            if ran.returncode == 0:
                done.append(int(serial))

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == len(set(done)) == max(done) + 1
    assert [one.name for one in tmp_path.iterdir()] == [f"x.{max(done) + 1}"]


def test_the_hosts_clock_says_when_a_lease_has_run_out(
    lease_world: LeaseWorld, tmp_path: Path
) -> None:
    """A clock of the taker's that is a day ahead means nothing, the host's own does."""

    class Ahead(SystemClock):
        def wall(self):  # type: ignore[no-untyped-def] # noqa: ANN202
            return super().wall() + timedelta(days=1)

    lease = take_west(lease_world, "ann", ANN)
    context = lease_world.context(FILE, Ahead())
    with pytest.raises(LeaseHeld):
        take_file("orders", "west", context, "ben", BEN)
    clock = tmp_path / "bin" / "date"
    clock.parent.mkdir()
    clock.write_text("#!/bin/sh\necho $(($(/bin/date +%s) + 60))\n")
    clock.chmod(0o755)
    path = f"{clock.parent}:/usr/bin:/bin"
    lease_world.hosts["west"].environment["PATH"] = path
    taken = take_file("orders", "west", lease_world.context(FILE), "ben", BEN)
    with pytest.raises(LeaseHeld, match="another's"):
        lease.check()
    assert taken.token > lease.token
    lease.release()
    taken.check()
    taken.release()


def test_tokens_grow_although_somebody_tidied_up(lease_world: LeaseWorld) -> None:
    lease = take_west(lease_world, "ann", ANN)
    lease.release()
    for left in (lease_world.state("west") / "leases").iterdir():
        left.unlink()
    other = take_west(lease_world, "ben", BEN)
    assert other.token >= lease.token
    assert int(other.token) > 1_700_000_000
    other.release()


def test_by_force_it_is_taken_from_one_who_lives(lease_world: LeaseWorld) -> None:
    lease = take_west(lease_world, "ann", ANN)
    taken = take_west(lease_world, "ben", BEN, by_force=True)
    assert taken.over == f"ann, run {ANN}, since 2026-11-23 05:14:01 UTC"
    assert taken.token > lease.token
    with pytest.raises(LeaseHeld, match="lost at file west_host: the record at file west_host"):
        lease.check()
    lease._renew()
    taken.check()
    assert take_west(lease_world, "ben", BEN, by_force=True).over == ""
    taken.release()


def test_a_host_refuses_the_command_of_a_stale_holder(
    lease_world: LeaseWorld, tmp_path: Path
) -> None:
    """The command arrives late: its sender does not know yet that another has taken over."""
    journal = Journal.open(tmp_path / "home" / "journal.sqlite", SystemClock(), Redactor())

    def hands(run: str, holder: str, *, by_force: bool = False) -> tuple[Hands, Facts]:
        facts = lease_world.facts(FILE, run, Procedure.SWITCHOVER)
        connections = lease_world.connections(FILE)
        lease = take("orders", facts, connections, journal, holder, by_force=by_force)
        assert isinstance(lease, PairLease)
        connections.context.guard = TokenGuard("orders", lambda: marks(lease, facts))
        return Hands(connections, facts), facts

    old, _ = hands(ANN, "ann")
    made = tmp_path / "made"
    assert old.reach(SshHands, "east_host").run(["touch", str(made)], 10).code == 0
    assert made.exists()
    seen = lease_world.state("east") / "tokens" / "orders"
    assert sorted(one.name for one in seen.iterdir()) == ["file.east", "file.west"]
    made.unlink()
    new, _ = hands(BEN, "ben", by_force=True)
    assert new.reach(SshHands, "east_host").run(["true"], 10).code == 0
    with pytest.raises(LeaseHeld, match="refuses our token: it has seen a later one") as raised:
        old.reach(SshHands, "east_host").run(["touch", str(made)], 10)
    assert "rm -r" in raised.value.hint
    assert not made.exists()
    assert new.reach(SshHands, "east_host").run(["sh", "-c", "exit 253"], 10).code == 253
    assert all(len([*one.iterdir()]) == 1 for one in seen.iterdir())
    journal.close()


def test_a_full_disk_stops_no_fence(lease_world: LeaseWorld, tmp_path: Path) -> None:
    """Where no token can be noted the command is run all the same."""
    lease_world.state("east").write_text("a file where the directory should be")
    context = lease_world.context(FILE)
    context.guard = TokenGuard("orders", lambda: (("file.west", "000000000007"),))
    host = SshHands.open("east_host", context)
    assert host.run(["echo", "fenced"], 10).out == "fenced\n"
    host.close()


def test_the_command_behind_the_guard_has_the_mask_that_it_would_have(
    lease_world: LeaseWorld,
) -> None:
    context = lease_world.context(FILE)
    host = SshHands.open("east_host", context)
    plain = host.run(["sh", "-c", "umask"], 10).out
    context.guard = TokenGuard("orders", lambda: (("file.west", "000000000007"),))
    assert host.run(["sh", "-c", "umask"], 10).out == plain
    made = lease_world.state("east") / "tokens" / "orders" / "file.west"
    assert made.stat().st_mode & 0o777 == 0o700
    host.close()


def test_a_directory_that_cannot_be_written_is_told(lease_world: LeaseWorld) -> None:
    lease_world.state("west").write_text("a file where the directory should be")
    with pytest.raises(StepFailed, match="cannot write in"):
        take_west(lease_world, "ann", ANN)


def test_a_cell_says_what_it_has(lease_world: LeaseWorld) -> None:
    cell = SshCell.open("west_host", "orders.freeze", lease_world.context(FILE))
    assert cell.read() == Kept()
    assert cell.exchange(Kept(), 'it\'s "odd" $HOME')
    kept = cell.read()
    assert kept == Kept(values=('it\'s "odd" $HOME',), serial=1)
    assert not cell.exchange(Kept(), "too late")
    assert cell.exchange(kept, "next")
    assert cell.read().serial == 2
    assert parse(cell.read().values) is None
    cell.close()


def test_where_it_is_kept_is_named(lease_world: LeaseWorld) -> None:
    known = lease_world.inventory(FILE)
    assert where_kept("orders", known, "west") == ("host west_host",)
    assert host_of("orders", "east", known) == "east_host"
    named = lease_world.inventory({"at": "file", "hosts": ["east_host"]})
    assert where_kept("orders", named, "west") == ()
    with pytest.raises(BadInput, match="hosts has 0 of them"):
        host_of("orders", "west", named)
