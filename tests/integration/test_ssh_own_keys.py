"""Connections with the user's own keys: an agent's, which may be silent, and default files."""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ssh_host import SshHost
from sshd_host import Sshd

from drtool.clock import SystemClock
from drtool.connections import ssh_agent
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.connections.ssh import SshReader
from drtool.connections.ssh_vitals import VitalsReader
from drtool.errors import AccessDenied, BadInput, Unreachable
from drtool.model.inventory import Inventory
from drtool.redact import Redactor

Answer = Callable[[bytes], bytes]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user without keys and without an agent."""
    made = tmp_path / "home"
    (made / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(ssh_agent, "ANSWER_SECONDS", 0.3)
    return made


class Scripted:
    """An agent that answers as the test says; without an answer it is silent."""

    def __init__(self, where: Path) -> None:
        self.answer: Answer = lambda _: b""
        self._taken: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(where))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                one = self._listener.accept()[0]
            except OSError:
                return
            self._taken.append(one)
            (length,) = struct.unpack(">I", one.recv(4))
            if answer := self.answer(one.recv(length)):
                one.sendall(struct.pack(">I", len(answer)) + answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for one in (self._listener, *self._taken):
            one.close()


@pytest.fixture
def agent(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    made = Scripted(home / "agent")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
    yield made
    made.close()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """The machine's own server: the scripted one takes one key for each connection."""
    made = Sshd(tmp_path / "ssh", "127.0.1.1")
    made.start()
    yield made
    made.stop()


def context(host: SshHost, **ssh: object) -> Context:
    words = {
        "address": host.address, "port": host.port, "user": host.user, "host_key": host.host_key,
    }  # fmt: skip
    inventory = Inventory.model_validate({
        "version": 1, "services": {}, "sites": {}, "hosts": {"east_db": {"ssh": {**words, **ssh}}},
    })  # fmt: skip
    return Context(inventory, Secrets(Redactor()), SystemClock(), connect_seconds=2.0)


def own_key(host: SshHost, home: Path, passphrase: str = "") -> Path:
    """The key that the host accepts, as the user's default one."""
    path = home / ".ssh" / "id_ed25519"
    path.write_bytes(host.key_file.read_bytes())
    path.chmod(0o600)
    if passphrase:
        command = ["ssh-keygen", "-q", "-p", "-N", passphrase, "-f", str(path)]
        subprocess.run(command, check=True, capture_output=True)
    return path


def holds(host: SshHost) -> bytes:
    """An agent's answer that it holds the key which the host accepts."""
    blob = host.user_key.public_data
    return b"\x0c" + struct.pack(">II", 1, len(blob)) + blob + struct.pack(">I", 0)


@pytest.mark.usefixtures("agent")
def test_a_silent_agent_counts_as_one_without_keys(any_ssh_host: SshHost, home: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(AccessDenied, match=r"no key at all; the ssh-agent does not answer within"):
        SshReader.open("east_db", context(any_ssh_host))
    own_key(any_ssh_host, home)
    reader = SshReader.open("east_db", context(any_ssh_host))
    assert time.monotonic() - begun < 4
    assert reader.file_exists("/")
    reader.close()


def test_an_agent_that_does_not_sign_leaves_its_turn_to_the_files(
    sshd: Sshd, home: Path, agent: Scripted
) -> None:
    agent.answer = lambda asked: holds(sshd) if asked == b"\x0b" else b""
    own = own_key(sshd, home)
    reader = SshReader.open("east_db", context(sshd))
    assert reader.file_exists("/")
    reader.close()
    own.unlink()
    with pytest.raises(AccessDenied, match=r"ssh-agent, asked to sign, does not answer within 2 s"):
        SshReader.open("east_db", context(sshd))
    agent.answer = lambda asked: holds(sshd) if asked == b"\x0b" else b"\x05"
    with pytest.raises(AccessDenied, match=r"ssh-agent, asked to sign, refuses"):
        SshReader.open("east_db", context(sshd))


def test_what_an_agent_holds_needs_no_file(
    any_ssh_host: SshHost, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = home / "real"
    running = subprocess.Popen(["ssh-agent", "-D", "-a", str(where)], stdout=subprocess.DEVNULL)
    while not where.exists():
        assert running.poll() is None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(where))
    subprocess.run(["ssh-add", "-q", str(any_ssh_host.key_file)], check=True)
    own_key(any_ssh_host, home, passphrase="open sesame")
    reader = SshReader.open("east_db", context(any_ssh_host))
    running.terminate()
    running.wait()
    assert reader.file_exists("/")
    reader.close()


def test_default_keys_that_cannot_be_used_are_passed_over_and_named(
    any_ssh_host: SshHost, home: Path
) -> None:
    locked = own_key(any_ssh_host, home, passphrase="open sesame")
    open_to_all = home / ".ssh" / "id_ecdsa"
    open_to_all.write_bytes(any_ssh_host.key_file.read_bytes())
    open_to_all.chmod(0o644)
    with pytest.raises(AccessDenied, match="no key at all") as told:
        SshReader.open("east_db", context(any_ssh_host))
    assert f"{locked} cannot be read as a private key" in told.value.found
    assert f"{open_to_all} its file's mode is 0644" in told.value.found
    with pytest.raises(BadInput, match="cannot be read as a private key"):
        SshReader.open("east_db", context(any_ssh_host, key_file=str(locked)))
    open_to_all.chmod(0o600)
    SshReader.open("east_db", context(any_ssh_host)).close()


def test_a_server_that_has_stopped_is_not_measured_for_ever(ssh_host: SshHost) -> None:
    reader = VitalsReader.open("east_db", context(ssh_host, key_file=str(ssh_host.key_file)))
    ssh_host._loop.call_soon_threadsafe(time.sleep, 4)
    with pytest.raises(Unreachable, match="says nothing for 2 s"):
        reader.vitals(SystemClock())
    reader.close()
