"""How a host fares, measured at a real SSH server."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ssh_host import SshHost

from drtool.clock import SystemClock
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.connections.ssh_vitals import VitalsReader
from drtool.errors import StepFailed, Unreachable
from drtool.model.inventory import Inventory
from drtool.redact import Redactor


def reader(host: SshHost) -> VitalsReader:
    ssh = {
        "address": host.address,
        "port": host.port,
        "user": "postgres",
        "host_key": host.host_key,
        "key_file": str(host.key_file),
    }
    inventory = Inventory.model_validate(
        {"version": 1, "services": {}, "sites": {}, "hosts": {"east_db": {"ssh": ssh}}}
    )
    return VitalsReader.open("east_db", Context(inventory, Secrets(Redactor()), SystemClock()))


def shadow(host: SshHost, program: str, script: str) -> None:
    """Put another program before the machine's own on the host's path."""
    directory = host.directory / "bin"
    directory.mkdir(exist_ok=True)
    (directory / program).write_text(f"#!/bin/sh\n{script}\n")
    (directory / program).chmod(0o755)
    host.environment["PATH"] = f"{directory}:/usr/bin:/bin"


def test_a_host_tells_its_clock_and_the_space_on_its_disks(
    ssh_host: SshHost, tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing")
    found = reader(ssh_host).vitals(SystemClock(), (str(tmp_path), missing))
    there, none = found.spaces
    assert 0 < (there.free_bytes or 0) < (there.total_bytes or 0)
    assert (none.path, none.free_bytes) == (missing, None)
    assert abs(found.ahead_seconds) < 1
    assert 0 < found.network_seconds <= found.command_seconds
    assert found.shell_seconds < found.command_seconds


def test_a_clock_that_is_ahead_is_told(ssh_host: SshHost) -> None:
    shadow(ssh_host, "date", f"echo {time.time() + 3600:.3f}")
    assert 3590 < reader(ssh_host).vitals(SystemClock()).ahead_seconds < 3610


def test_whole_seconds_do_where_date_knows_no_parts(ssh_host: SshHost) -> None:
    shadow(ssh_host, "date", "echo $(/bin/date +%s).%N")
    assert abs(reader(ssh_host).vitals(SystemClock()).ahead_seconds) < 2


def test_a_clock_that_cannot_be_read_is_said(ssh_host: SshHost) -> None:
    shadow(ssh_host, "date", "echo no >&2; exit 3")
    with pytest.raises(StepFailed, match="its clock cannot be read: no"):
        reader(ssh_host).vitals(SystemClock())


def test_a_shell_that_takes_too_long_is_no_silence(
    ssh_host: SshHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drtool.connections.ssh_vitals.SECONDS", 0.3)
    shadow(ssh_host, "sh", "exec sleep 20")
    with pytest.raises(StepFailed, match="a short command does not end within") as told:
        reader(ssh_host).vitals(SystemClock())
    assert "~/.profile" in told.value.hint


def test_a_host_that_goes_away_is_unreachable(ssh_host: SshHost) -> None:
    one = reader(ssh_host)
    ssh_host.stop()
    with pytest.raises(Unreachable):
        one.vitals(SystemClock())
