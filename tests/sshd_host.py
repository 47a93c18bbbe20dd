"""OpenSSH's sshd in the place of the SSH server that tests script."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine_servers import needed
from postgresql_pair import free_port, wait_until
from ssh_host import SshHost

from drtool.lab.processes import descendants, end, marked
from drtool.lab.servers import openssh
from drtool.lab.servers.kinds import SshPlace

_MARK = "DRTOOL_TEST_SSHD"


class Sshd(SshHost):
    """A real sshd, which lets in whoever runs the test."""

    def __init__(self, directory: Path, address: str) -> None:
        super().__init__(directory, address, free_port())
        self._sshd = needed(openssh.find())
        self.user = self._sshd.user
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        host_key, allowed = self.directory / "host_key", self.directory / "authorized_keys"
        self.key.write_private_key(str(host_key))
        host_key.chmod(0o600)
        self.user_key.write_public_key(str(allowed))
        command = self._sshd.command(
            SshPlace(
                address=(self.address, self.port),
                host_key=host_key,
                authorized_keys=allowed,
                directory=self.directory,
                path=os.environ["PATH"],
                mark=(_MARK, str(self.directory)),
            )
        )
        with (self.directory / "log").open("wb") as log:
            self._child = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._listens)

    def _listens(self) -> bool:
        assert self._child is not None
        assert self._child.poll() is None, (self.directory / "log").read_text()
        try:
            socket.create_connection((self.address, self.port), 1).close()
        except OSError:
            return False
        return True

    def cut(self) -> None:
        assert self._child is not None
        for one in descendants(self._child.pid):
            with contextlib.suppress(OSError):
                if Path(f"/proc/{one.pid}/exe").readlink().name.startswith("sshd"):
                    one.send(signal.SIGKILL)

    def connected(self) -> int:
        assert self._child is not None
        listed = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children")
        return len(listed.read_text().split())

    def stop(self) -> None:
        if self._child is not None:
            # sshd itself buries its sessions
            end([*descendants(self._child.pid), *marked(_MARK, str(self.directory))])
            self._child.kill()
            self._child.wait()
        openssh.tidy()


@pytest.fixture(params=["embedded", "system"])
def any_ssh_host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SshHost]:
    """The scripted server, then the machine's."""
    kind = Sshd if request.param == "system" else SshHost
    made = kind(tmp_path / "ssh", "127.0.1.1")
    made.start()
    yield made
    made.stop()
