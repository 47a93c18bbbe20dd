"""Every fault and every lie that the suite injects, with what is expected of drtool under it."""

from __future__ import annotations

import re
from typing import NamedTuple


class Fault(NamedTuple):
    """One row: what is done to the world, and what has to come of it."""

    id: str
    part: str
    injected: str
    expected: str


_NAME = re.compile(r"test_((?:[fl]\d\d_)+)")


def ids_of(test: str) -> tuple[str, ...]:
    """The ids that a test's name begins with: ``test_f02_f03_killed`` gives F02 and F03."""
    found = _NAME.match(test.rpartition("::")[2])
    return tuple(found[1].upper().strip("_").split("_")) if found else ()


def chosen(words: str) -> tuple[str, ...]:
    """The ids that a choice names: ``F26 L03``, ``F01-F04,L01``, ``lies`` or ``all``.

    Raises ValueError for a word that names none.
    """
    known = tuple(FAULTS)
    found: list[str] = []
    for word in words.replace(",", " ").split():
        first, _, last = word.upper().partition("-")
        if first in {"ALL", "FAULTS", "LIES"}:
            found += [one for one in known if first == "ALL" or one[0] == first[0]]
        elif first in known and (last or first) in known:
            found += known[known.index(first) : known.index(last or first) + 1]
        else:
            raise ValueError(f"no fault is called {word}: F01 to F64, L01 to L20, a-b, lies, all")
    return tuple(one for one in known if one in found)


_PROCESS = (
    ("F01", "kill -9 before the intent", "the step runs once"),
    ("F02", "kill -9 after the intent", "runs once; what left no trace is asked about"),
    ("F03", "kill -9 after the effect", "the effect is adopted"),
    ("F04", "kill -9 after done", "the step is skipped"),
    ("F05", "SIGKILL at every fsync", "every acknowledged event is present"),
    ("F06", "kill during resume, five deep", "converges, one effect each"),
    ("F07", "SIGTERM, SIGINT, SIGHUP in mid-step",
     "the step ends or meets its deadline, the run is resumable, the exit code says so"),
    ("F08", "SIGSTOP of the holder past its lease, a takeover, SIGCONT",
     "the old holder's next effect is refused by its token"),
    ("F09", "out of memory", "as F02 and F03"),
    ("F10", "an action raises anything", "step failed, journal closed, no hang"),
    ("F11", "an action leaves child processes", "the process group is ended at the deadline"),
    ("F12", "20 starts at the same moment", "one runs, 19 refusals name it"),
    ("F13", "resume with another version", "refused unless a migration is declared"),
    ("F14", "resume with an edited runbook", "the stored plan is used, the drift is said"),
)  # fmt: skip
_JOURNAL = (
    ("F15", "ENOSPC under the journal",
     "stop before the next effect, path named, exit code 7; never retry and go on"),
    ("F16", "EIO on fsync", "as F15"),
    ("F17", "read-only directory", "as F15"),
    ("F18", "the WAL's tail cut off",
     "a head behind the anchor is detected: every step observed anew, or refused with a hint"),
    ("F19", "the WAL garbled", "as F18"),
    ("F20", "a bit of the database flipped", "as F18"),
    ("F21", "the database locked for 30 s", "a clear error, and no effect meanwhile"),
    ("F22", "the database deleted in mid-run", "fails closed"),
    ("F23", "the database copied to a second host", "refused"),
    ("F24", "the clock jumps", "durations are monotonic, leases right"),
    ("F25", "skew between hosts", "lag from log positions"),
)  # fmt: skip
_POSTGRESQL = (
    ("F26", "kill -9 of the primary", "the fence is accepted only when proven; it lasts"),
    ("F27", "kill -9 of the primary with a busy backend",
     "the fence is accepted only when the backend is gone; no write is accepted afterwards"),
    ("F28", "SIGSTOP of the primary", "as F26"),
    ("F29", "SIGCONT of the primary after the promotion", "no write is accepted"),
    ("F30", "a supervisor restarts the primary", "the fence survives it"),
    ("F31", "fencing over SSH times out", "no promotion without an override"),
    ("F32", "the reply of the fence is lost", "observed again"),
    ("F33", "another server on the port", "identity by system_identifier"),
    ("F34", "lag over the RPO", "refused with numbers"),
    ("F35", "lag unknown", "refused unless the last sample is good, its age shown"),
    ("F36", "replay paused", "detected before the promotion"),
    ("F37", "promoted twice", "adopted"),
    ("F38", "the promotion takes longer than its call", "polled"),
    ("F39", "the wrong standby", "refused"),
    ("F40", "the standby is a primary already",
     "stop: split brain suspected, both timelines shown"),
    ("F41", "the old primary diverged before or after the fence",
     "tail kept, listed, reported, rewound; or refused as split brain with its point"),
    ("F42", "the rewind is killed", "stays fenced, a rebuild is offered"),
    ("F43", "a gap in the WAL when the old primary rejoins", "the way of a base backup"),
    ("F44", "the candidate dies after the fence",
     "the next candidate, or stop and say that nothing is writable"),
    ("F45", "a synchronous standby hangs", "the write probe catches it, verdict failed"),
    ("F46", "the disk of the new primary is full", "the write probe catches it, verdict failed"),
)  # fmt: skip
_NETWORK = (
    ("F47", "the update server down: each in turn, and all",
     "the next one is tried; none left: promoted, not redirected, retried to the deadline"),
    ("F48", "one of two authoritative servers stale or cut off",
     "a stale one blocks, a cut-off one is named"),
    ("F49", "the reply to an update is lost", "asked again before repeating"),
    ("F50", "a stale plan of the zone", "refused"),
    ("F51", "a plan that empties a name", "refused"),
    ("F52", "a bad TSIG key, or clock skew", "named"),
    ("F53", "a resolver holds the old TTL", "counted in the recovery time"),
    ("F54", "half-open TCP", "our deadline fires"),
    ("F55", "a slow link with loss", "completes or times out clearly"),
    ("F56", "a one-way partition", "no promotion from one vantage point"),
    ("F57", "a blip of 43 s", "no automatic failover"),
    ("F58", "flapping five times",
     "the second automatic failover is refused in the window; a human is warned, never stopped"),
)  # fmt: skip
_CONTROL = (
    ("F59", "Prefect down at the start, or killed in mid-run",
     "the run completes on its own journal, told and exited at most 5 s later than without"),
    ("F60", "Prefect hung, answering 500, slow, its database locked", "as F59"),
    ("F61", "Slack down, 429, slow, duplicate click, late click",
     "never blocks; the first decision wins; late is expired"),
    ("F62", "approver revoked, runbook changed after approval, engine restarted while waiting",
     "void and asked again; a pending approval survives with its id and deadline"),
    ("F63", "two machines with journals of their own start at once",
     "one is refused by the arbiter"),
    ("F64", "the holder's machine is destroyed after the fence",
     "a second operator with an empty journal takes over, fences again, adopts; same final world"),
)  # fmt: skip
_LIES = (
    ("L01", "promotion reported, nothing done"),
    ("L02", "pg_promote true, the server still in recovery"),
    ("L03", "fence reported, a backend alive"),
    ("L04", "the power controller says Off, processes run"),
    ("L05", "another host fenced"),
    ("L06", "a DNS update answers NOERROR, the zone is unchanged"),
    ("L07", "one DNS server keeps the old value"),
    ("L08", "a resolver answers the old address"),
    ("L09", "the write probe reaches the old site"),
    ("L10", "the service answers 200 from a cache and writes nothing"),
    ("L11", "200 with an error in the body"),
    ("L12", "an order acknowledged before its commit is gone"),
    ("L13", "the standby belongs to another cluster"),
    ("L14", "a heartbeat from a clock an hour ahead"),
    ("L15", "lag 0 with the walreceiver dead"),
    ("L16", "replay paused"),
    ("L17", "pg_rewind says done, the timeline is unchanged"),
    ("L18", "a standby that streams from the old primary"),
    ("L19", "an exit file left by another run"),
    ("L20", "in_sync compares a server with itself"),
)
_PARTS = {
    "Process": _PROCESS,
    "Journal and disk": _JOURNAL,
    "PostgreSQL": _POSTGRESQL,
    "DNS and network": _NETWORK,
    "Control plane, notices, approvals": _CONTROL,
    "Lies": tuple((*one, "no run says met") for one in _LIES),
}
FAULTS = {row[0]: Fault(row[0], part, *row[1:]) for part, rows in _PARTS.items() for row in rows}
