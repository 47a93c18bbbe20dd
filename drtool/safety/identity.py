"""Whether a server or a machine is the one that is meant, before anything is done to it."""

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


def reason_not_that_machine(
    subject: str, found: tuple[str, str], system: str, uuid: str | None
) -> str | None:
    """A sentence when a power controller answers for another machine than the one that is meant.

    ``found`` are the Id and the UUID that it tells, "" for none; ``system`` is the Id, or the
    path that ends with it. Ids are often 1 on every machine: only a UUID tells them apart.
    """
    told, told_uuid = found
    expected = system.rstrip("/").rpartition("/")[2]
    if told not in {system, expected}:
        return f"{subject}: it answers for system {told or 'without an Id'}, not for {expected}"
    if uuid is not None and told_uuid.lower() != uuid.lower():
        return (
            f"{subject}: it answers for the machine {told_uuid or 'without a UUID'}, not for {uuid}"
        )
    return None
