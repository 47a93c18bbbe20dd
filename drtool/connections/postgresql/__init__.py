"""PostgreSQL: typed reads of a server, and the session that can promote and write."""

from __future__ import annotations

from drtool.connections.postgresql.reader import PostgresqlReader
from drtool.connections.postgresql.session import PostgresqlSession

__all__ = ["PostgresqlReader", "PostgresqlSession"]
