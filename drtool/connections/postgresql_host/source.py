"""The server that another shall follow, as the programs on that other's host are told of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from drtool.connections.reach import Context
from drtool.errors import BadInput


@dataclass(frozen=True)
class Source:
    """How a host reaches the server to rewind to, to copy and to follow.

    ``name`` is the follower's application_name. The passwords are never part of a command.
    """

    host: str
    port: int
    sslmode: str
    user: str
    database: str
    replication_user: str
    slot: str
    name: str
    password: str = field(default="", repr=False)
    replication_password: str = field(default="", repr=False)

    @classmethod
    def of(cls, target: str, follower: str, context: Context) -> Source:
        """The inventory's system ``site.system``, to be followed by the one at ``follower``."""
        system = context.inventory.server(target)
        if system is None:
            raise BadInput(f"postgresql {target}", "not in the inventory")
        role = system.replication
        password = context.secrets.resolve(system.password) if system.password else ""
        secret = role.password if role else None
        return cls(
            host=system.address or "",
            port=system.port,
            sslmode=system.sslmode,
            user=system.user,
            database=system.database,
            replication_user=role.user if role else system.user,
            slot=role.slot if role else "drtool",
            name=follower.partition(".")[0],
            password=password,
            replication_password=context.secrets.resolve(secret) if secret else password,
        )

    def for_rewind(self) -> str:
        """The connection for pg_rewind, without its password."""
        return _conninfo(self._where() | {"user": self.user, "dbname": self.database})

    def for_replication(self) -> str:
        """The connection for a base backup, without its password."""
        return _conninfo(self._where() | {"user": self.replication_user})

    def settings(self) -> str:
        """Lines for postgresql.auto.conf, with the password, as pg_basebackup -R writes them."""
        told = self._where() | {"user": self.replication_user, "application_name": self.name}
        if self.replication_password:
            told["password"] = self.replication_password
        return (
            f"primary_conninfo = {_quoted(_conninfo(told))}\n"
            f"primary_slot_name = {_quoted(self.slot)}\n"
        )

    def _where(self) -> dict[str, str]:
        return {"host": self.host, "port": str(self.port), "sslmode": self.sslmode}


def pgpass_password(password: str) -> str:
    """A password as a line of a password file has it (libpq, "The Password File")."""
    return password.replace("\\", "\\\\").replace(":", "\\:")


def _conninfo(words: dict[str, str]) -> str:
    """A connection string (libpq, "Keyword/Value Connection Strings")."""
    escaped = {key: value.replace("\\", "\\\\").replace("'", "\\'") for key, value in words.items()}
    return " ".join(f"{key}='{value}'" for key, value in escaped.items())


def _quoted(value: str) -> str:
    """A string in a configuration file."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
