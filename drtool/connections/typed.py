"""What a person types to reach what drtool reaches; a secret stands only as where it is kept.

A line that begins with ``$`` is typed in one's own shell, in the inventory's directory; one that
begins with ``HOST$`` on that host; every other line is a sentence.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from drtool.model.inventory import Dns, DnsServer, Patroni, Postgresql, Power, Resolver, Ssh
from drtool.model.secret import SecretRef

_COMMAND = re.compile(r"^([A-Za-z0-9_.-]*\$) (.+)$", re.DOTALL)


def typed(command: str, host: str = "") -> str:
    """A line that says where a command is typed."""
    return f"{host}$ {command}"


def parted(line: str) -> tuple[str, str]:
    """A line's prompt and its command; the prompt of a sentence is empty."""
    found = _COMMAND.match(line)
    return (found[1], found[2]) if found else ("", line)


def quoted(text: str) -> str:
    """Text as one word of a shell, in double quotes where it has single ones."""
    if "'" in text and not re.search(r'["$`\\!]', text):
        return f'"{text}"'
    return shlex.quote(text)


def secret(ref: SecretRef) -> str:
    """What a shell puts in a secret's place, within double quotes or in a here-document."""
    if ref.source == "env":
        return f"${ref.name}"
    return f"$(cat {shlex.quote(ref.name)})" if ref.source == "file" else f"$({ref.name})"


def ssh(to: Ssh, command: str = "") -> str:
    """How one logs in to a host, or runs one command there."""
    words = ["ssh"]
    words += ["-p", str(to.port)] if to.port != 22 else []
    words += ["-i", to.key_file] if to.key_file else []
    words.append(f"{to.user}@{to.address}")
    return shlex.join(words) + (f" {quoted(command)}" if command else "")


def connects(address: str, port: int, seconds: int = 2) -> str:
    """How one sees whether something listens, with what every Linux machine has."""
    attempt = f"timeout {seconds} bash -c '</dev/tcp/{address}/{port}'"
    return f"{attempt} && echo connects || echo does not connect"


def dig(server: DnsServer | Resolver, name: str, *options: str) -> str:
    """How one asks a DNS server for a name's addresses."""
    where = [f"@{server.address}", *(["-p", str(server.port)] if server.port != 53 else [])]
    return shlex.join(["dig", *where, *(options or ("+short",)), name, "A"])


def nsupdate(dns: Dns, server: DnsServer, changes: Iterable[str]) -> str:
    """How one updates a DNS server, signed; the key is never an argument."""
    lines = [
        "nsupdate <<END",
        f"server {server.address} {server.port}",
        f"zone {dns.zone}",
        f"key {dns.algorithm}:{dns.key_name} {secret(dns.key)}",
        *changes,
        "send",
        "END",
    ]
    return "\n".join(lines)


def psql(server: Postgresql, *statements: str) -> str:
    """How one asks a PostgreSQL server; psql asks for the password by itself."""
    words = ["psql", "-At", "-h", server.address or "", "-p", str(server.port)]
    words += ["-U", server.user, "-d", server.database]
    return shlex.join(words) + "".join(f" -c {quoted(one)}" for one in statements)


def redfish(power: Power, path: str = "", method: str = "GET", body: str = "") -> str:
    """How one asks a power controller; curl asks for the password by itself."""
    system = power.system.strip("/")
    where = f"/{system}" if "/" in system else f"/redfish/v1/Systems/{system}"
    words = ["curl", "-fsS", "-u", power.user]
    words += ["--cacert", power.ca_file] if power.ca_file else []
    words += ["-X", method] if method != "GET" else []
    words += ["-H", "Content-Type: application/json", "-d", body] if body else []
    return shlex.join([*words, f"{power.redfish.rstrip('/')}{where}{path}"])


def patroni(cluster: Patroni, path: str, method: str = "GET", body: str = "") -> str:
    """How one asks a Patroni cluster's first member; curl asks for the password by itself."""
    rest, member = cluster.rest, next(iter(cluster.members.values()))
    words = ["curl", "-fsS"]
    words += ["--cacert", rest.ca_file] if rest.ca_file else []
    words += ["-u", rest.user] if rest.password and method != "GET" else []
    words += ["-X", method] if method != "GET" else []
    words += ["-d", body] if body else []
    return shlex.join([*words, f"{member.url.rstrip('/')}{path}"])


def switch_off(power: Power) -> list[str]:
    """How a machine is cut off so that it stays off, and seen to be."""
    reset = '{"ResetType": "ForceOff"}'
    return [
        restore_policy(power, "AlwaysOff"),
        typed(redfish(power, "/Actions/ComputerSystem.Reset", "POST", reset)),
        typed(redfish(power)),
        "PowerState must be Off and PowerRestorePolicy AlwaysOff; ask until it is.",
    ]


def restore_policy(power: Power, policy: str) -> str:
    """How one says what happens when mains power returns."""
    body = f'{{"PowerRestorePolicy": "{policy}"}}'
    return typed(redfish(power, method="PATCH", body=body))


def switch_on(power: Power) -> str:
    """How a machine is switched on."""
    return typed(redfish(power, "/Actions/ComputerSystem.Reset", "POST", '{"ResetType": "On"}'))
