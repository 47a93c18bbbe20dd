"""Read what Patroni answers; its shapes are those of its documentation, "Patroni REST API"."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from drtool.model.inventory import Patroni, PatroniMember
from drtool.model.patroni import Following, Listed, Node, Settings

_LEADING = frozenset({"leader", "standby_leader", "master"})


def read_node(
    name: str, member: PatroniMember, cluster: Patroni, told: dict[str, Any], date: str
) -> Node:
    """A member from its answer to ``GET /patroni``; ``date`` is the answer's Date header.

    Another cluster's or member's answer is no answer.
    """
    called, patroni = member.name or name, told.get("patroni") or {}
    found = (patroni.get("scope"), patroni.get("name"))
    if found != (cluster.scope, called):
        said = f"answers for {found[0]}/{found[1]}, expected {cluster.scope}/{called}"
        return Node(name=name, called=called, trouble=f"{member.url} {said}")
    role = str(told.get("role") or "")
    return Node(
        name=name,
        called=called,
        role="primary" if role == "master" else role,
        state=str(told.get("state") or "unknown"),
        replication=str(told.get("replication_state") or ""),
        system_identifier=str(told.get("database_system_identifier") or ""),
        paused=told.get("pause") is True,
        dcs_age_seconds=_age(told.get("dcs_last_seen"), date),
    )


def read_listed(told: dict[str, Any]) -> tuple[Listed, ...]:
    """The members from the answer to ``GET /cluster``."""
    members = told.get("members")
    rows = [row for row in members if isinstance(row, dict)] if isinstance(members, list) else []
    return tuple(
        Listed(
            called=str(row.get("name") or ""),
            leads=row.get("role") in _LEADING,
            state=str(row.get("state") or ""),
            lag_bytes=row["lag"] if isinstance(row.get("lag"), int) else None,
            barred=bool((row.get("tags") or {}).get("nofailover")),
        )
        for row in rows
    )


def read_settings(told: dict[str, Any]) -> Settings:
    """The shared configuration from the answer to ``GET /config``.

    A ``standby_cluster`` that names neither host, port nor restore_command is none.
    """
    section, slots = told.get("standby_cluster"), told.get("slots")
    words = section if isinstance(section, dict) else {}
    following = Following(
        host=_word(words, "host"),
        port=_word(words, "port"),
        slot=_word(words, "primary_slot_name"),
        restore_command=_word(words, "restore_command"),
    )
    some = following.host or following.port or following.restore_command
    return Settings(
        following=following if some else None,
        paused=told.get("pause") is True,
        slots=tuple(map(str, slots)) if isinstance(slots, dict) else (),
    )


def _word(section: dict[str, Any], key: str) -> str:
    value = section.get(key)
    return "" if value is None else str(value)


def _age(last_seen: object, date: str) -> float | None:
    """How old the last word of the DCS was when the member answered, by its own clock."""
    if not isinstance(last_seen, int | float):
        return None
    try:
        now: datetime = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    return max(0.0, now.timestamp() - last_seen)
