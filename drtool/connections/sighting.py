"""One look of one signal: what it says of the service, or that it cannot say.

A look reads and changes nothing. What cannot be looked at, because the place to look from does
not answer or a name has no address, says nothing: an outage of ours is not the service's.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from drtool.connections.http import HttpReader
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Connections
from drtool.connections.ssh import AnswerLost, SshHands, SshReader
from drtool.connections.tcp import TcpReader
from drtool.errors import DrtoolError, Unreachable
from drtool.model.inventory import Inventory, Pgbouncer, Postgresql
from drtool.model.signals import Signal
from drtool.safety.outage import Saying, heartbeat_says

SECONDS = 3.0
Look = tuple[Saying, str]
# curl(1): could not connect, HTTP status of 400 or more, timed out, no answer, receiving failed
_CURL_OUT = {7, 22, 28, 52, 56}
_CURL = ["curl", "-fsS", "-o", "/dev/null", "-m", f"{SECONDS:g}", "--"]
_CONNECT = 'exec 3<>"/dev/tcp/$1/$2"'
_TIMED_OUT = 124  # timeout(1)


def look(signal: Signal, connections: Connections) -> Look:
    """What a signal says now; never raises for what a network or a server does."""
    kinds: dict[str, Callable[[Signal, Connections], Look]] = {
        "http": _http,
        "tcp": _tcp,
        "heartbeat": _heartbeat,
        "ssh": _ssh,
        "command": _command,
    }
    try:
        return kinds[signal.kind](signal, connections)
    except DrtoolError as error:
        return Saying.BLIND, f"cannot say: {error.line()}"


def _http(signal: Signal, connections: Connections) -> Look:
    url = signal.http or ""
    if signal.from_host is not None:
        return _from_host(signal, [*_CURL, url], connections, _CURL_OUT)
    reader = connections.get(HttpReader, "")
    reader.address(url)
    try:
        reply = reader.get(url, SECONDS)
    except Unreachable as error:
        return Saying.OUT, error.found
    if reply.status < 400:
        return Saying.WELL, f"answers {reply.status}"
    return Saying.OUT, f"answers {reply.status}"


def _tcp(signal: Signal, connections: Connections) -> Look:
    host, port = listens_at(signal.tcp or "", connections.context.inventory)
    if signal.from_host is not None:
        limit = f"{SECONDS:g}"
        words = ["timeout", limit, "bash", "-c", _CONNECT, "drtool", host, str(port)]
        return _from_host(signal, words, connections, {1, _TIMED_OUT})
    reader = connections.get(TcpReader, "")
    reader.address(host)
    try:
        reader.connect(host, port, SECONDS)
    except Unreachable as error:
        return Saying.OUT, error.found
    return Saying.WELL, "takes connections"


def _heartbeat(signal: Signal, connections: Connections) -> Look:
    return heartbeat_says(connections.get(PostgresqlReader, signal.heartbeat or "").replication())


def _ssh(signal: Signal, connections: Connections) -> Look:
    host = signal.ssh or ""
    try:
        connections.get(SshReader, host).file_exists("/")
    except (Unreachable, AnswerLost) as error:
        connections.drop(SshReader, host)
        return Saying.OUT, error.found
    return Saying.WELL, "answers over SSH"


def _command(signal: Signal, connections: Connections) -> Look:
    words = list(signal.command or ())
    if signal.from_host is not None:
        return _from_host(signal, words, connections, {1})
    try:
        done = subprocess.run(
            words, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Saying.BLIND, f"cannot say: {words[0]}: {_reason(error)}"
    return _by_code(done.returncode, done.stderr.decode(errors="replace"), {1})


def _from_host(signal: Signal, words: list[str], connections: Connections, out: set[int]) -> Look:
    """Look from a host; when that does not take the command, nothing is said."""
    ran = connections.get(SshHands, signal.from_host or "").run(words, SECONDS + 1)
    return _by_code(ran.code, ran.err, out)


def _by_code(code: int, said: str, out: set[int]) -> Look:
    last = said.strip().splitlines()[-1:] or [f"ends with {code}"]
    if code == 0:
        return Saying.WELL, "says that it is well"
    return (Saying.OUT, last[0]) if code in out else (Saying.BLIND, f"cannot say: {last[0]}")


def _reason(error: Exception) -> str:
    late = isinstance(error, subprocess.TimeoutExpired)
    return f"no end within {SECONDS:g} s" if late else str(getattr(error, "strerror", "") or error)


def listens_at(target: str, inventory: Inventory) -> tuple[str, int]:
    """The address and the port of a system ``site.system``; raises BadInput by ``KeyError``."""
    site = inventory.sites[target.partition(".")[0]]
    system = inventory.system(target)
    if isinstance(system, Postgresql | Pgbouncer):
        return system.address or site.address, system.port
    raise KeyError(target)


def place_of(signal: Signal, inventory: Inventory, here: str) -> str:
    """Where a signal looks from: the site of its host or of its system, else ``here``."""
    if signal.heartbeat is not None:
        return signal.heartbeat.partition(".")[0]
    if signal.from_host is None:
        return here
    host = inventory.hosts.get(signal.from_host)
    if host is not None and host.site is not None:
        return host.site
    for name, site in inventory.sites.items():
        if any(signal.from_host in system.hosts for system in site.systems.values()):
            return name
    return signal.from_host
