"""Two sites for tests, each with etcd and a Patroni cluster: east leads, west is its standby."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml
from postgresql_pair import _AS_USER, ADDRESSES, bin_directory, wait_until
from ssh_host import end_servers_of

from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.model.inventory import Inventory
from drtool.redact import Redactor

SCOPE = "orders"


def free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def program(name: str) -> Path:
    """One of the programs that Patroni's package brings."""
    return Path(sys.executable).parent / name


class Process:
    """A child of the tests, ended by its pid."""

    def __init__(self, words: list[str], log: Path) -> None:
        with log.open("ab") as out:
            self.child = subprocess.Popen(words, stdout=out, stderr=out, start_new_session=True)

    def kill(self) -> None:
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.kill()
        self.child.wait(timeout=10)

    def freeze(self) -> None:
        self.child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.child.send_signal(signal.SIGCONT)


class Etcd:
    """A DCS of one member."""

    def __init__(self, directory: Path, site: str) -> None:
        self.directory, self.site, address = directory, site, ADDRESSES[site]
        client, peer = (f"http://{address}:{free_port(address)}" for _ in "ab")
        self.where = client.removeprefix("http://")
        self._words = [
            "etcd", "--data-dir", str(directory / f"etcd_{site}"), "--unsafe-no-fsync",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"default={peer}",
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        self.process = Process(self._words, self.directory / f"etcd_{self.site}.log")


class Member:
    """One Patroni with its PostgreSQL server."""

    def __init__(self, directory: Path, name: str, site: str, address: str, port: int) -> None:
        self.directory, self.name, self.site = directory, name, site
        self.address, self.port, self.rest_port = address, port, free_port(address)
        self.url = f"http://{self.address}:{self.rest_port}"
        self.data = directory / name
        self.settings = directory / f"{name}.yml"
        self.password = ""
        self.process: Process | None = None

    def configure(self, etcd: Etcd, *standby_of: Member) -> None:
        """Write its configuration; the rounds are the shortest that Patroni allows."""
        rounds: dict[str, Any] = {"ttl": 20, "loop_wait": 1, "retry_timeout": 3}
        if standby_of:
            hosts = ",".join(one.address for one in standby_of)
            rounds["standby_cluster"] = {"host": hosts, "port": standby_of[0].port}
        parameters = {
            "max_connections": 40, "shared_buffers": "16MB", "wal_keep_size": "64MB",
            "wal_retrieve_retry_interval": "100ms", "unix_socket_directories": "",
        }  # fmt: skip
        role = {"password": self.password}
        where = f"{self.address}:{self.port}"
        listen = f"{self.address}:{self.rest_port}"
        self.settings.write_text(yaml.safe_dump({
            "scope": SCOPE,
            "name": self.name,
            "restapi": {
                "listen": listen, "connect_address": listen,
                "authentication": {"username": "drtool", "password": self.password},
            },
            "etcd3": {"hosts": etcd.where},
            "bootstrap": {
                "dcs": {**rounds, "postgresql": {"use_pg_rewind": True, "parameters": parameters}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums", "no-sync"],
            },
            "postgresql": {
                "listen": where, "connect_address": where, "data_dir": str(self.data),
                "bin_dir": str(bin_directory()), "pgpass": str(self.directory / f"{self.name}.pg"),
                "authentication": {
                    "superuser": {"username": "postgres", **role},
                    "replication": {"username": "replicator", **role},
                    "rewind": {"username": "postgres", **role},
                },
                "pg_hba": [
                    "host all all 127.0.0.0/8 scram-sha-256",
                    "host replication all 127.0.0.0/8 scram-sha-256",
                ],
                "parameters": {"unix_socket_directories": ""},
            },
        }))  # fmt: skip

    def start(self) -> None:
        """Start Patroni, which starts the server."""
        log = self.directory / f"{self.name}.log"
        self.process = Process([*_AS_USER, str(program("patroni")), str(self.settings)], log)
        (self.directory / f"{self.name}.pid").write_text(str(self.process.child.pid))

    def end(self) -> None:
        """End Patroni and its server at once, also one that drtool has started."""
        if self.process is not None:
            self.process.kill()
        with contextlib.suppress(OSError):
            pid = int((self.directory / f"{self.name}.pid").read_text())
            if str(self.settings) in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)
        end_servers_of(self.data)

    def says(self, path: str = "/patroni") -> dict[str, Any]:
        """What its REST API answers; nothing while it does not."""
        with contextlib.suppress(httpx.TransportError, json.JSONDecodeError):
            found: dict[str, Any] = httpx.get(f"{self.url}{path}", timeout=5).json()
            return found
        return {}

    def streams(self) -> bool:
        return self.says().get("replication_state") == "streaming"

    def role(self) -> str:
        said = self.says()
        return str(said.get("role")) if said.get("state") == "running" else ""

    @property
    def conninfo(self) -> str:
        return (
            f"host={self.address} port={self.port} user=postgres password={self.password}"
            " dbname=postgres connect_timeout=2"
        )

    def sql(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """One statement in a session of its own."""
        with psycopg.connect(self.conninfo, autocommit=True) as session:
            cursor = session.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def accepts_writes(self) -> bool:
        try:
            self.sql("CREATE TABLE IF NOT EXISTS written ()")
        except psycopg.Error:
            return False
        return True


class Sites:
    """Both clusters, and what drtool's connections to them need."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.password = directory, secrets.token_hex(12)
        self.etcds = {site: Etcd(directory, site) for site in ("east", "west")}
        east, west = free_port(ADDRESSES["east"]), free_port(ADDRESSES["west"])
        self.pg1 = Member(directory, "pg1", "east", ADDRESSES["east"], east)
        self.pg2 = Member(directory, "pg2", "east", "127.0.1.2", east)
        self.pg3 = Member(directory, "pg3", "west", ADDRESSES["west"], west)
        self.members = (self.pg1, self.pg2, self.pg3)
        for member in self.members:
            member.password = self.password

    def start(self) -> None:
        self.pg1.configure(self.etcds["east"])
        self.pg2.configure(self.etcds["east"])
        self.pg3.configure(self.etcds["west"], self.pg1, self.pg2)
        self.pg1.start()
        wait_until(lambda: self.pg1.role() == "primary", 30)
        self.pg2.start()
        self.pg3.start()
        wait_until(lambda: self.pg2.streams() and self.pg3.streams(), 30)
        wait_until(lambda: self.listed("west") == {"pg3": "standby_leader"}, 30)
        wait_until(lambda: self.listed("east") == {"pg1": "leader", "pg2": "replica"}, 30)

    def listed(self, site: str) -> dict[str, str]:
        """The members by the word of the DCS, each with its role."""
        asked = self.pg1 if site == "east" else self.pg3
        return {row["name"]: row["role"] for row in asked.says("/cluster").get("members", [])}

    def end(self) -> None:
        for member in self.members:
            member.end()
        for etcd in self.etcds.values():
            etcd.process.kill()

    def secret(self, name: str = "password", text: str = "") -> dict[str, str]:
        path = self.directory / name
        path.write_text(text or self.password)
        path.chmod(0o600)
        return {"secret": f"file:{path}"}

    def inventory(self, hosts: dict[str, Any] | None = None, **changed: object) -> Inventory:
        """The inventory of both; ``changed`` are fields of both clusters."""
        systems = {
            site: {
                "kind": "patroni", "scope": SCOPE, "sslmode": "disable",
                "password": self.secret(), "rest": {"password": self.secret()},
                "bin_directory": str(bin_directory()), "fence": ["patroni"],
                "members": {
                    one.name: {
                        "host": f"{site}_{one.name}", "url": one.url, "port": one.port,
                        "data_directory": str(one.data),
                    }
                    for one in self.members if one.site == site
                },
                **changed,
            }
            for site in ("east", "west")
        }  # fmt: skip
        return Inventory.model_validate({
            "version": 1,
            "services": {"orders": {"preferred": "east", "heartbeat": "1s"}},
            "sites": {
                site: {"address": ADDRESSES[site], "systems": {"orders_db": system}}
                for site, system in systems.items()
            },
            "hosts": {f"{one.site}_{one.name}": {} for one in self.members} | (hosts or {}),
        })  # fmt: skip

    def connections(self, inventory: Inventory | None = None) -> Connections:
        found = inventory or self.inventory()
        return Connections(Context(found, Secrets(Redactor()), SystemClock(), run="test-run"))

    def tell(self, member: Member, path: str, **body: object) -> None:
        """Change something behind drtool's back."""
        auth = ("drtool", self.password)
        answer = httpx.patch(f"{member.url}{path}", json=body, auth=auth, timeout=10)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """A primary cluster of two members at east, its standby cluster of one at west."""
    pytest.importorskip("patroni", reason="pip install 'patroni[etcd3,psycopg3]'")
    if shutil.which("etcd") is None:
        pytest.skip("apt-get install etcd-server")
    made = Sites(tmp_path_factory.mktemp("sites"))
    try:
        made.start()
        yield made
    finally:
        made.end()
