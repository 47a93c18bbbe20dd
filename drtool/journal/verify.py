"""Find out whether a journal is what was written: every entry, its place, and the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from itertools import chain, islice

from drtool.journal.chain import ROOT, Head, link

_MOST = 20
_TOLD = 3
_BEGIN = Head()


class Checked:
    """How far this process has found a journal to be whole, so that it need not look twice."""

    def __init__(self) -> None:
        self._journal, self._head = "", _BEGIN

    def head(self, journal: str) -> Head:
        """The last entry that was found whole; the root for a journal not looked at."""
        return self._head if journal == self._journal else _BEGIN

    def take(self, journal: str, head: Head) -> None:
        """Note that everything up to there is whole."""
        self._journal, self._head = journal, head


def faults(connection: sqlite3.Connection, heads: Mapping[str, Head]) -> list[str]:
    """Everything wrong, as sentences that name entry and run; twenty at most.

    ``heads`` are those written down elsewhere, each under the name of what holds it.
    """
    found = chain(_database(connection), _entries(connection, _BEGIN), _ends(connection, heads))
    return list(islice(found, _MOST))


def reason_not_to_believe(
    connection: sqlite3.Connection, anchored: Head, since: Head = _BEGIN
) -> str | None:
    """Why a journal is not what was written, cheaply enough for every opening.

    10,000 entries cost 30 ms. ``since`` is an entry up to which all was found whole before.
    """
    if since.seq and _digest(connection, since.seq) != since.sha256:
        return f"entry {since.seq} was changed while the journal was in use"
    found = chain(
        () if since.seq else _database(connection),
        _ends(connection, {"anchor": anchored}),
        _entries(connection, since),
    )
    return "; ".join(islice(found, _TOLD)) or None


def _database(connection: sqlite3.Connection) -> Iterator[str]:
    """What SQLite itself finds wrong, an index that hides a run among it."""
    for row in connection.execute("PRAGMA integrity_check(5)"):
        if row[0] != "ok":
            yield f"the database is damaged: {row[0]}"


def _entries(connection: sqlite3.Connection, since: Head) -> Iterator[str]:
    """What was changed, deleted, moved or filed elsewhere after an entry, in the chain's order."""
    before, expected = bytes.fromhex(since.sha256), since.seq + 1
    numbers: dict[str, int] = {}
    rows = connection.execute(
        "SELECT seq, run, number, kind, text, hash FROM events WHERE seq > ? ORDER BY seq",
        (since.seq,),
    )
    for seq, run, number, kind, text, digest in rows:
        if seq != expected:
            yield _missing(expected, seq - 1)
        elif link(before, seq, text) != digest:
            yield f"entry {seq} (run {run}, event {number}) is not what was written"
        if not _is_filed_right(text, run, number, kind):
            yield f"entry {seq} is filed as event {number} of run {run}, {kind}, and is another"
        known = numbers.get(run, number - 1 if since.seq else 0)
        if number != known + 1:
            yield _out_of_order(seq, run, number, known)
        numbers[run] = number
        before, expected = digest, seq + 1


def _is_filed_right(text: str, run: str, number: int, kind: str) -> bool:
    """Whether an entry's columns, which no hash covers, say what its text says."""
    start = text.find('"body":{')
    return text.startswith(f'{{"run":"{run}","seq":{number},') and text.startswith(
        f'"body":{{"kind":"{kind}"', start
    )


def _missing(first: int, last: int) -> str:
    return (
        f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
    )


def _out_of_order(seq: int, run: str, number: int, known: int) -> str:
    if number <= known:
        return f"entry {seq}: event {number} of run {run} comes after its event {known}"
    gap = f"event {known + 1}" if number == known + 2 else f"events {known + 1} to {number - 1}"
    return f"entry {seq}: before it, {gap} of run {run} should stand"


def _ends(connection: sqlite3.Connection, heads: Mapping[str, Head]) -> Iterator[str]:
    """What heads written down elsewhere tell: an end that is lost, or a history written anew."""
    row = connection.execute("SELECT max(seq) FROM events").fetchone()
    last, agreed = row[0] or 0, 0
    for holder, head in sorted(heads.items(), key=lambda item: item[1].seq):
        if last < head.seq:
            lost = _missing(last + 1, head.seq).replace("missing", "lost")
            yield f"{lost}: the journal ends at entry {last}, the {holder} knows entry {head.seq}"
        elif _digest(connection, head.seq) == head.sha256:
            agreed = head.seq
        else:
            since = f"after entry {agreed}" if agreed else "from an entry before it"
            yield (
                f"entry {head.seq}{_of_run(connection, head.seq)} is not the one that the {holder} "
                f"has the hash of: the journal was written anew {since} on"
            )


def _digest(connection: sqlite3.Connection, seq: int) -> str:
    if seq == 0:
        return ROOT.hex()
    row = connection.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()
    return bytes(row[0]).hex() if row else ""


def _of_run(connection: sqlite3.Connection, seq: int) -> str:
    row = connection.execute("SELECT run, number FROM events WHERE seq = ?", (seq,)).fetchone()
    return f" (run {row[0]}, event {row[1]})" if row else ""
