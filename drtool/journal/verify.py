"""Find out whether a journal is what was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from pydantic import ValidationError

from drtool.journal.chain import ROOT, Head, link
from drtool.model.event import Event

_MOST = 20


def faults(connection: sqlite3.Connection, heads: Mapping[str, Head]) -> list[str]:
    """Everything wrong with the chain, as sentences.

    ``heads`` are those written down elsewhere, each under the name of what holds it.
    """
    found = _database(connection)
    before, expected, numbers = ROOT, 1, dict[str, int]()
    wanted = {head.seq for head in heads.values()}
    digests = {0: ROOT.hex()}
    for seq, run, number, kind, text, digest in connection.execute(
        "SELECT seq, run, number, kind, text, hash FROM events ORDER BY seq"
    ):
        if seq != expected:
            found.append(f"entries {expected} to {seq - 1} are missing")
        if link(before, seq, text) != digest:
            found.append(f"entry {seq} (run {run}) does not match its hash and the entry before it")
        found += _columns(seq, run, number, kind, text)
        if number != numbers.get(run, 0) + 1:
            found.append(f"entry {seq}: event {number} of run {run} does not follow the last")
        numbers[run] = number
        before, expected = digest, seq + 1
        if seq in wanted:
            digests[seq] = digest.hex()
    for holder, head in heads.items():
        found += _against(holder, head, digests.get(head.seq), expected - 1)
    return found[:_MOST]


def _database(connection: sqlite3.Connection) -> list[str]:
    said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    return [f"the database is damaged: {line}" for line in said if line != "ok"]


def _columns(seq: int, run: str, number: int, kind: str, text: str) -> list[str]:
    try:
        event = Event.model_validate_json(text)
    except ValidationError:
        return [f"entry {seq} (run {run}) cannot be read"]
    if (event.run, event.seq, event.body.kind) != (run, number, kind):
        return [f"entry {seq} is filed under run {run}, but is of run {event.run}"]
    return []


def _against(holder: str, head: Head, digest: str | None, last: int) -> list[str]:
    if last < head.seq:
        return [f"the journal ends at entry {last}; the {holder} says {head.seq}: the end is lost"]
    if digest != head.sha256:
        return [f"entry {head.seq} is not the one that the {holder} has the hash of"]
    return []
