"""PostgreSQL as the machine has it."""

from __future__ import annotations

import re
from pathlib import Path

from drtool.lab.layout import Make
from drtool.lab.servers.kinds import Absent, PostgresqlServer, version_of

# Debian's directories, then those of PostgreSQL's own RPM packages: one for each version.
_WHERE = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")


def find(root: Path = Path("/")) -> PostgresqlServer | Absent:
    """The newest of the machine's PostgreSQL servers."""
    found = [
        directory
        for where in _WHERE
        for directory in root.glob(where)
        if (directory / "postgres").exists()
    ]
    if not found:
        return Absent("PostgreSQL is not installed", "postgresql")
    programs = max(found, key=_major)
    postgres = programs / "postgres"
    return PostgresqlServer(
        Make("PostgreSQL", version_of(postgres, "--version"), str(postgres)), programs
    )


def _major(directory: Path) -> int:
    digits = re.search(r"\d+", directory.parent.name)
    return int(digits[0]) if digits else 0
