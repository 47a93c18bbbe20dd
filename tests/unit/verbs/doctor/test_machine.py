"""This machine: Python and packages, drtool's home, clocks, Prefect."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from fit_world import name_server, only, scope, seen, unfit
from packaging.requirements import Requirement

from drtool.clock import SystemClock, kept_in_time
from drtool.compiler.health import Health
from drtool.journal.machine import machine_id
from drtool.journal.store import Journal
from drtool.redact import Redactor
from drtool.verbs.doctor import clocks, home, prefect, software
from drtool.verbs.doctor.clocks import Told
from drtool.verbs.doctor.finding import Area, Finding, State
from drtool.verbs.doctor.software import Installed

REQUIREMENTS = ["prefect>=3.8.8,<3.9", "fastapi<0.150", 'dnspython>=2.7; extra == "dns"']
HAVE = {"prefect": "3.8.8", "fastapi": "0.120", "dnspython": None}


def installed(python: str = "3.11.2", **versions: str | None) -> Installed:
    wanted = [Requirement(line) for line in REQUIREMENTS]
    return Installed(python, ">=3.11", "0.1.0", wanted, {**HAVE, **versions})


def test_versions_within_their_bounds_are_one_line() -> None:
    found = [*software.findings(installed(dnspython="2.8.0"), frozenset({"dns"}))]
    assert [one.found for one in found] == [
        "Python 3.11.2, its 2 packages and the extras dns within their bounds"
    ]


@pytest.mark.parametrize(
    ("made", "extras", "found", "cure"),
    [
        (installed("3.10.9"), set(), "3.10.9", "python3.12 -m venv"),
        (installed(fastapi="0.150.0"), set(), "0.150.0", "pip install 'fastapi<0.150'"),
        (installed(prefect=None), set(), "is not installed", "pip install 'prefect<3.9,>=3.8.8'"),
        (installed(dnspython="2.1"), {"dns"}, "2.1", "pip install 'dnspython>=2.7'"),
        (installed(), {"dns"}, "dnspython: not installed", "pip install 'drtool[dns]'"),
    ],
)
def test_what_does_not_fit_is_told_with_what_to_install(
    made: Installed, extras: set[str], found: str, cure: str
) -> None:
    told = only(software.findings(made, frozenset(extras)))
    assert found in told.found
    assert cure in told.cure


def test_an_extra_that_nobody_needs_may_be_missing() -> None:
    assert not unfit(software.findings(installed(), frozenset()))


def test_what_is_installed_here_is_found() -> None:
    here = Installed.here()
    assert here.versions["prefect"] == metadata.version("prefect")
    assert not unfit(software.findings(here, frozenset({"postgresql", "dns", "ssh"})))


def test_the_inventory_says_which_extras_are_needed() -> None:
    assert software.needed_extras(scope().inventory) == {"postgresql", "dns", "ssh"}


def in_(path: Path) -> list[Finding]:
    return [one for one in home.findings(path) if "lies in memory" not in one.found]


def journal(path: Path) -> None:
    made = Journal.open(path / "journal.sqlite", SystemClock(), Redactor())
    made.new_run_id()
    made.close()


def test_a_home_that_is_not_there_yet_is_well_and_stays_so(tmp_path: Path) -> None:
    assert not unfit(in_(tmp_path / "state" / "drtool"))
    assert not list(tmp_path.iterdir())


def test_a_journal_is_read_against_its_anchor(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    journal(tmp_path)
    before = (tmp_path / "journal.sqlite").read_bytes()
    assert in_(tmp_path)[-1].found == "0 entries, the last one as its anchor says"
    assert (tmp_path / "journal.sqlite").read_bytes() == before
    (tmp_path / "journal.sqlite.anchor").unlink()
    told = only(in_(tmp_path))
    assert "its anchor is gone" in told.found
    assert "restore journal and anchor together" in told.cure


def test_a_journal_of_another_machine_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    journal(tmp_path)
    monkeypatch.setattr(home, "machine_id", lambda: machine_id()[::-1])
    told = only(in_(tmp_path))
    assert told.found == "was written on another machine, and copied"
    assert "DRTOOL_HOME" in told.cure


def test_files_that_others_may_read_are_closed_by_the_cure(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    journal(tmp_path)
    (tmp_path / "journal.sqlite").chmod(0o644)
    tmp_path.chmod(0o755)
    told = [one for one in in_(tmp_path) if one.state is State.WARNING]
    assert [one.cure for one in told] == [
        f"chmod 700 {tmp_path}",
        f"chmod 600 {tmp_path / 'journal.sqlite'}",
    ]


@pytest.mark.parametrize(
    ("kind", "state"), [("nfs4", State.PROBLEM), ("fuse.sshfs", State.PROBLEM), ("ext4", State.OK)]
)
def test_a_network_file_system_is_no_place_for_a_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, state: State
) -> None:
    tmp_path.chmod(0o700)
    mounts = f"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / {tmp_path} rw shared:1 - {kind} x rw\n"
    monkeypatch.setattr(home, "_mounts", lambda: mounts)
    found = in_(tmp_path)
    assert max((one.state for one in found), key=[*State].index) is state
    assert [one for one in found if one.state is not State.OK and kind not in one.found] == []


def test_the_deepest_mount_is_the_one() -> None:
    mounts = (
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / /srv rw - xfs x rw\n"
        "3 2 0:6 / /srv/a\\040b rw - tmpfs x rw\n"
    )
    kinds = {
        path: home.kind_of_filesystem(Path(path), mounts)
        for path in ("/home", "/srv/x", "/srv/a b/c", "/srv2")
    }
    assert kinds == {"/home": "ext4", "/srv/x": "xfs", "/srv/a b/c": "tmpfs", "/srv2": "ext4"}


def test_a_full_disk_and_a_slow_one_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(home, "ENOUGH_BYTES", 1 << 60)
    monkeypatch.setattr(home, "SLOW_SECONDS", -1.0)
    free, slow = unfit(in_(tmp_path))
    assert free.state is State.WARNING
    assert "free space there" in free.cure
    assert "a synced write takes" in slow.found


def test_a_disk_that_fails_to_sync_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    tmp_path.chmod(0o700)
    monkeypatch.setattr(os, "fsync", fails)
    told = only(in_(tmp_path))
    assert told.found == "a synced write fails: Input/output error"


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "chown it" in only(home.findings(tmp_path)).cure


def test_clocks_that_agree_are_one_line() -> None:
    found = [*clocks.findings([Told("a", 0.004), Told("b", -0.01)], kept=True)]
    assert [one.found for one in found] == ["at most 10.0 ms apart from ours"]
    assert [one.found for one in clocks.findings([], kept=True)] == [
        "a time service keeps its clock"
    ]
    assert not [*clocks.findings([], kept=None)]


def test_a_clock_that_is_apart_is_named_with_its_direction() -> None:
    told = only(clocks.findings([Told("host a", 7.0), Told("host b", 0.0)], kept=True))
    assert (told.subject, told.found) == ("host a", "its clock is 7.00 s ahead of ours")
    assert "timedatectl" in told.cure


def test_where_all_others_agree_ours_is_wrong() -> None:
    told = only(clocks.findings([Told("a", 7.0), Told("b", 7.3)], kept=True))
    assert (told.subject, told.found) == ("this machine", "its clock is 7.00 s behind all 2 others")


def test_an_unkept_clock_is_a_warning() -> None:
    assert only(clocks.findings([], kept=False)).state is State.WARNING
    assert kept_in_time() in {True, False, None}


def test_every_machine_that_told_its_clock_is_compared() -> None:
    told = clocks.clocks_of(seen(name_servers={"ns_east": name_server(ahead_seconds=151.0)}))
    assert [clock.subject for clock in told if not clock.astray] == [
        "host east_db", "host west_db", "postgresql east.orders_db", "postgresql west.orders_db",
    ]  # fmt: skip
    assert [clock.subject for clock in told if clock.astray] == ["dns server ns_east"]


def api(**changed: object) -> Iterator[Finding]:
    told = {"url": "http://p/api", "client": "3.8.8", "server": "3.8.8", "seconds": 0.02}
    return prefect.findings(Health.model_validate({**told, **changed}))


def test_a_prefect_api_that_answers_in_time_is_well() -> None:
    assert [one.found for one in api()] == ["3.8.8, answers in 20.0 ms"]


@pytest.mark.parametrize(
    ("changed", "found", "cure"),
    [
        ({"url": ""}, "PREFECT_API_URL is not set", "drtool server start"),
        ({"trouble": "Connection refused"}, "Connection refused; steps would run directly",
         "unset PREFECT_API_URL"),
        ({"trouble": "no answer", "ours": True}, "no answer",
         "drtool server stop; drtool server start"),
        ({"trouble": "turns us away", "hint": "check PREFECT_API_KEY"}, "turns us away",
         "check PREFECT_API_KEY"),
        ({"seconds": 0.7}, "answers after 0.70 s", "drtool server start"),
        ({"server": "3.9.1"}, "the server is 3.9.1", "bring the server to 3.8"),
        ({"late": 4}, "4 flow runs are late", "prefect flow-run ls"),
    ],
)  # fmt: skip
def test_a_prefect_api_that_would_not_carry_a_run(
    changed: dict[str, object], found: str, cure: str
) -> None:
    told = only(api(**changed))
    assert found in told.found
    assert cure in told.cure


def test_a_finding_that_is_not_well_has_its_cure() -> None:
    with pytest.raises(ValueError, match="a problem without a cure"):
        Area.DNS.problem("zone", "is gone", "")
