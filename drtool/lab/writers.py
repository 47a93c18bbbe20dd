"""A second customer: tries to write to both databases directly, all the time.

``python -m drtool.lab.writers --servers ADDRESSES --sites NAMES --password-file F --log FILE``
keeps one session open to each server, as a busy client does, and writes down each write that was
accepted: by which site, on which timeline, when by the server's clock and when it was
acknowledged. The servers of the lab share the machine's clock, so the times can be compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import psycopg

from drtool.lab.endpoint import parse_addresses
from drtool.lab.layout import Address

PACE_SECONDS = 0.02
# The timeline is read in the same statement: the first eight digits of the WAL file's name.
WRITE = """
insert into probe_writes (site, count, written_at) values (%s, 1, clock_timestamp())
on conflict (site) do update
   set count = probe_writes.count + 1, written_at = excluded.written_at
returning ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int,
          extract(epoch from clock_timestamp())::float8
"""


@dataclass(frozen=True)
class Write:
    """A write that a site accepted.

    It was committed between ``written``, when the statement ran by the server's clock, and
    ``acknowledged``, both in seconds since the epoch. ``timeline`` is the server's.
    """

    site: str
    timeline: int
    written: float
    acknowledged: float


class Writer:
    """Writes to one server through a session that is renewed only when it is lost."""

    def __init__(self, site: str, address: Address, password: str) -> None:
        self._site, self._address, self._password = site, address, password
        self._session: psycopg.Connection | None = None

    def write(self) -> Write | None:
        """Try once; None when it was not accepted."""
        try:
            if self._session is None:
                self._session = self._connect()
            row = self._session.execute(WRITE, (self._site,)).fetchone()
        except psycopg.Error:
            # A standby refuses and keeps the session; what broke is opened anew.
            if self._session is not None and self._session.broken:
                self._session = None
            return None
        return Write(self._site, row[0], row[1], time.time()) if row else None

    def _connect(self) -> psycopg.Connection:
        host, port = self._address
        return psycopg.connect(
            host=host,
            port=port,
            user="orders",
            dbname="orders",
            password=self._password,
            sslmode="disable",
            connect_timeout=2,
            autocommit=True,
            application_name="lab writer",
            options="-c statement_timeout=500",
        )


def read_writes(log: Path) -> list[Write]:
    """The writes accepted so far."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8").split("\n")[:-1]
    return [Write(**json.loads(line)) for line in lines]


def keep_writing(writer: Writer, log: TextIO, lock: threading.Lock) -> None:
    """Write for ever, at an even pace."""
    while True:
        began = time.monotonic()
        done = writer.write()
        if done is not None:
            with lock:
                log.write(json.dumps(asdict(done)) + "\n")
        time.sleep(max(0.0, PACE_SECONDS - (time.monotonic() - began)))


def main(arguments: list[str] | None = None) -> int:
    """Write to all servers until ended."""
    parser = argparse.ArgumentParser(prog="python -m drtool.lab.writers", description=__doc__)
    parser.add_argument("--servers", required=True, type=parse_addresses)
    parser.add_argument("--sites", required=True, type=lambda text: tuple(text.split(",")))
    parser.add_argument("--password-file", required=True, type=Path)
    parser.add_argument("--log", required=True, type=Path)
    given = parser.parse_args(arguments)
    password, lock = given.password_file.read_text(encoding="utf-8").strip(), threading.Lock()
    with given.log.open("a", encoding="utf-8", buffering=1) as log:
        threads = [
            threading.Thread(target=keep_writing, args=(Writer(site, server, password), log, lock))
            for site, server in zip(given.sites, given.servers, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
