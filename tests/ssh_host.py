"""A real SSH server for tests, and PostgreSQL servers that can be seen and stopped through it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest
from postgresql_pair import Pair, Release, wait_until

from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.lab.processes import Process, process
from drtool.model.inventory import Inventory
from drtool.redact import Redactor


class SshHost:
    """An asyncssh server on a thread of its own; commands run as a login shell's would."""

    def __init__(self, directory: Path, address: str, port: int = 0) -> None:
        self.directory, self.address, self.port = directory, address, port
        self.user = "postgres"
        directory.mkdir(parents=True, exist_ok=True)
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key = asyncssh.generate_private_key("ssh-ed25519")
        self.key_file = directory / "user_key"
        self.user_key.write_private_key(str(self.key_file))
        self.key_file.chmod(0o600)
        self.environment: dict[str, str] = {}
        self.children: list[asyncio.subprocess.Process] = []
        self.said: list[str] = []
        self.drop_replies, self.dropped = False, 0
        self._server: asyncssh.SSHAcceptor | None = None
        self._connections: list[asyncssh.SSHServerConnection] = []

    @property
    def host_key(self) -> str:
        return self.key.export_public_key().decode().strip().rsplit(" ", 1)[0] if (
            len(self.key.export_public_key().decode().split()) > 2
        ) else self.key.export_public_key().decode().strip()  # fmt: skip

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.get_port()

    def stop(self) -> None:
        """As a host does that loses its power: nothing listens, nothing is said."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def cut(self) -> None:
        """Cut all connections; new ones are taken."""
        for connection in list(self._connections):
            self._loop.call_soon_threadsafe(connection.abort)

    def connected(self) -> int:
        """How many connections were taken."""
        return len(self._connections)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        host = self

        class Server(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                host._connections.append(conn)

            def begin_auth(self, username: str) -> bool:
                del username
                return True

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                del username
                return bool(key == host.user_key.convert_to_public())

        return await asyncssh.listen(
            self.address, self.port, server_host_keys=[self.key], server_factory=Server,
            process_factory=self._serve, encoding=None, reuse_address=True,
        )  # fmt: skip

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self.said.append(str(process.command))
        child = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", process.command or "exit 0",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env={**os.environ, **self.environment},
            start_new_session=True,
        )  # fmt: skip
        self.children.append(child)
        feeding = asyncio.ensure_future(_pump_in(process, child))
        await asyncio.gather(
            _pump_out(child.stdout, process.stdout), _pump_out(child.stderr, process.stderr)
        )
        code = await child.wait()
        feeding.cancel()
        if self.drop_replies:
            self.dropped += 1
            process.channel.get_connection().abort()
        elif code < 0:
            process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
        else:
            process.exit(code)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.abort()
        for child in self.children:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                await asyncio.wait_for(child.wait(), 5)
        await asyncio.sleep(0.05)


async def _pump_in(
    process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process
) -> None:
    assert child.stdin is not None
    with contextlib.suppress(asyncssh.Error, OSError):
        while data := await process.stdin.read(65536):
            child.stdin.write(data)
            await child.stdin.drain()
    child.stdin.close()


async def _pump_out(source: asyncio.StreamReader | None, sink: asyncssh.SSHWriter[bytes]) -> None:
    assert source is not None
    with contextlib.suppress(asyncssh.Error, OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()


@pytest.fixture
def ssh_host(tmp_path: Path) -> Iterator[SshHost]:
    """One SSH server, running."""
    made = SshHost(tmp_path / "ssh", "127.0.1.1")
    made.start()
    yield made
    made.stop()


class Hosts:
    """A pair of PostgreSQL servers whose hosts answer over SSH."""

    def __init__(self, pair: Pair, hosts: dict[str, SshHost], programs: Path) -> None:
        self.pair, self.hosts, self.programs = pair, hosts, programs

    def inventory(self, **changed: object) -> Inventory:
        """The pair's inventory, with the hosts and what PostgreSQL needs on them."""
        identifier = str(
            self.pair.west.sql("SELECT system_identifier FROM pg_control_system()")[0][0]
        )
        known = {"bin_directory": str(self.programs), "system_identifier": identifier}
        plain = self.pair.inventory(**{**known, **changed}).model_dump(mode="json")
        for site, host in self.hosts.items():
            plain["hosts"][f"{site}_db"] = {
                "site": site,
                "ssh": {
                    "address": host.address, "port": host.port, "user": "postgres",
                    "host_key": host.host_key, "key_file": str(host.key_file),
                    "state_directory": str(host.directory / "state"),
                },
            }  # fmt: skip
        return Inventory.model_validate(plain)

    def connections(self, **changed: object) -> Connections:
        return Connections(
            Context(self.inventory(**changed), Secrets(Redactor()), SystemClock(), run="test-run")
        )


@pytest.fixture
def hosts(tmp_path: Path, postgresql_release: Release, pair: Pair) -> Iterator[Hosts]:
    """The pair, with an SSH server for each site's host."""
    made = {
        site: SshHost(tmp_path / f"ssh_{site}", address)
        for site, address in (("east", "127.0.1.1"), ("west", "127.0.2.1"))
    }
    for host in made.values():
        host.start()
    yield Hosts(pair, made, postgresql_release.wrapped)
    for host in made.values():
        host.stop()
    end_servers_of(pair.east.data, pair.west.data)


def end_servers_of(*directories: Path) -> None:
    """End what was started over SSH, or outlived its postmaster: it is no child of the test."""
    found: list[Process] = []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (directory / "cwd").resolve(strict=True) in directories:
                found += filter(None, [process(int(directory.name))])
    for one in found:
        one.send(signal.SIGKILL)
    wait_until(lambda: not any(one.runs for one in found))
