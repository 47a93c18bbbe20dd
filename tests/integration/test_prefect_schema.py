"""The schema that the lab gives its Prefect server is the one that Prefect's migrations make."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drtool.lab.prefect_schema import create, dump

MIGRATE = """
import anyio
from prefect.server.database import orm_models
from prefect.server.database.alembic_commands import alembic_upgrade
anyio.run(anyio.to_thread.run_sync, alembic_upgrade)
"""


@pytest.mark.timeout(120)
def test_the_schema_is_what_the_migrations_make(tmp_path: Path) -> None:
    migrated, created = tmp_path / "migrated", tmp_path / "created"
    migrated.mkdir()
    created.mkdir()
    subprocess.run(
        [sys.executable, "-c", MIGRATE],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PREFECT_HOME": str(migrated)},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    create(created / "prefect.db")
    hint = "write it anew: python -m drtool.lab.prefect_schema MIGRATED.db"
    assert unordered(created / "prefect.db") == unordered(migrated / "prefect.db"), hint


def unordered(database: Path) -> list[str]:
    """The lines of the schema; the order of a table's constraints is Prefect's mood."""
    return sorted(line.strip().rstrip(",") for line in dump(database).splitlines())


def test_a_database_that_exists_is_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "prefect.db"
    database.write_bytes(b"mine")
    create(database)
    assert database.read_bytes() == b"mine"
