"""Whether somebody else is in charge of a PostgreSQL server; connects to nothing."""

from __future__ import annotations

from collections.abc import Iterable

from drtool.model.replication import ManagerSign

_VERBS = {
    "Patroni": "patroni.promote, with `kind: patroni` in the inventory",
    "repmgr": "`repmgr standby switchover, or repmgr standby promote`",
    "CloudNativePG": "`kubectl cnpg promote CLUSTER INSTANCE`",
    "pg_auto_failover": "`pg_autoctl perform switchover, or pg_autoctl perform failover`",
}


def reason_managed_elsewhere(place: str, signs: Iterable[ManagerSign]) -> str | None:
    """A sentence when a cluster manager is in charge, with the verb that does it there.

    Two who both promote are worse than none.
    """
    found = list(signs)
    if not found:
        return None
    name = found[0].manager
    shown = "; ".join(sign.sign for sign in found if sign.manager == name)
    verb = _VERBS.get(name, f"{name}'s own command")
    return f"{name} is in charge of {place} ({shown}); use {verb}, or take it out of charge first"
