"""What is read and done on a PostgreSQL server's host, over SSH."""

from __future__ import annotations

from drtool.connections.postgresql_host.hands import PostgresqlHostHands
from drtool.connections.postgresql_host.reader import PostgresqlHostReader
from drtool.connections.postgresql_host.source import Source

__all__ = ["PostgresqlHostHands", "PostgresqlHostReader", "Source"]
