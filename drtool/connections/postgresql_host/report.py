"""Read what the scripts on a host report."""

from __future__ import annotations

from datetime import UTC, datetime

from drtool.errors import StepFailed
from drtool.model.lineage import Commit, Tail, forks_of
from drtool.model.postgresql_host import Control, HostState, Process
from drtool.model.replication import position_of

_END = "end"


def read_report(place: str, data_directory: str, text: str) -> HostState:
    """The state that a script reported; raises StepFailed when the report is cut short."""
    found = _lines(place, text)
    control, trouble = _control(found.get("control", []))
    return HostState(
        place=place,
        data_directory=data_directory,
        directory=_first(found, "directory") or None,
        mode=_first(found, "mode"),
        processes=tuple(_process(words) for words in found.get("process", [])),
        hidden=tuple(int(pid) for pid in found.get("hidden", [])),
        postmaster=int(_first(found, "postmaster") or 0) or None,
        manager=_first(found, "manager"),
        standby_signal="standby_signal" in found,
        note=_first(found, "standby_signal"),
        written=_first(found, "written"),
        fresh_copy="backup_label" in found,
        control=control,
        control_trouble=trouble,
    )


def read_tail(place: str, timeline: int, position: int, text: str, now: float) -> Tail:
    """What tail.sh told; ``now`` is drtool's own time in seconds since the epoch."""
    found = _lines(place, text)
    said, records = _first(found, "said"), int(_first(found, "records") or 0)
    end = _first(found, "last")
    return Tail(
        timeline=timeline,
        position=position,
        records=records,
        commits=int(_first(found, "commits") or 0),
        listed=tuple(_commit(words) for words in found.get("commit", [])),
        end=position_of(end) if end else None,
        forks=forks_of("\n".join(found.get("history", []))),
        host_ahead_seconds=round(float(_first(found, "clock") or now) - now, 3),
        said=said,
        unreadable=not records and "valid record" not in said and "invalid record" not in said,
    )


def _commit(words: str) -> Commit:
    position, transaction, at = words.split(None, 2)
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return Commit(position=position_of(position), transaction=transaction, at=moment)


def _lines(place: str, text: str) -> dict[str, list[str]]:
    """The report's lines by their first word; raises StepFailed when it is cut short."""
    lines = text.splitlines()
    if _END not in lines:
        raise StepFailed(f"host of {place}", "its answer is cut short", "a whole report")
    found: dict[str, list[str]] = {}
    for line in lines:
        key, _, rest = line.partition(" ")
        found.setdefault(key, []).append(rest)
    return found


def _first(found: dict[str, list[str]], key: str) -> str:
    return found.get(key, [""])[0]


def _process(words: str) -> Process:
    pid, parent, state = words.split()
    return Process(pid=int(pid), parent=int(parent), state=state)


def _control(lines: list[str]) -> tuple[Control | None, str]:
    """The control file, or what pg_controldata said instead."""
    rows = {}
    for line in lines:
        name, _, value = line.partition(":")
        rows[name.strip()] = value.strip()
    try:
        return Control(
            system_identifier=rows["Database system identifier"],
            state=rows["Database cluster state"],
            checkpoint=position_of(rows["Latest checkpoint location"]),
            redo=position_of(rows["Latest checkpoint's REDO location"]),
            timeline=int(rows["Latest checkpoint's TimeLineID"]),
            minimum_recovery=position_of(rows["Minimum recovery ending location"]),
            minimum_timeline=int(rows["Min recovery ending loc's timeline"]),
            checksums=rows.get("Data page checksum version", "0") != "0",
            wal_log_hints=rows.get("wal_log_hints setting") == "on",
            segment_bytes=int(rows.get("Bytes per WAL segment", "16777216")),
        ), ""
    except (KeyError, ValueError):
        return None, " ".join(" ".join(lines).split()) or "pg_controldata said nothing"
