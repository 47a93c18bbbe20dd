"""Whether two PostgreSQL servers are of one cluster: judged by the system identifier alone."""

from __future__ import annotations


def reason_not_same_cluster(subject: str, found: str | None, expected: str | None) -> str | None:
    """A sentence when ``subject`` is not shown to belong to the expected cluster.

    Both are PostgreSQL system identifiers, which initdb gives once and every physical copy
    keeps; host names, ports and paths prove nothing. An unknown one on either side fails closed.
    """
    if not expected:
        return (
            f"{subject}: it is not known which system identifier to expect; write "
            "system_identifier into the inventory (pg_controldata shows it)"
        )
    if not found:
        return f"{subject}: its system identifier cannot be read; expected {expected}"
    if found != expected:
        return (
            f"{subject}: its system identifier is {found}; expected {expected}: "
            "this is another cluster"
        )
    return None
