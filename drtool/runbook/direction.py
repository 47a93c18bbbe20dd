"""Which way a run goes: from the roles that were observed and what a person typed."""

from __future__ import annotations

from drtool.errors import BadInput, Refused
from drtool.model.place import Direction
from drtool.model.purpose import Procedure
from drtool.model.value import Name, Value


class ObservedRoles(Value):
    """What the sites of a service were seen to be; values, so that planning connects to nothing.

    ``primaries`` and ``standbys`` are sites where a server answered in that role; at
    ``unreachable`` ones none answered. A service without a system that has roles has none.
    """

    primaries: tuple[Name, ...] = ()
    standbys: tuple[Name, ...] = ()
    unreachable: tuple[Name, ...] = ()

    def __str__(self) -> str:
        """The roles as people read them."""
        parts = [
            f"{', '.join(sites)} {word}"
            for sites, word in (
                (self.primaries, "primary"),
                (self.standbys, "standby"),
                (self.unreachable, "unreachable"),
            )
            if sites
        ]
        return "; ".join(parts) or "no site has a system with roles"


class Ask(Value):
    """What a person typed, and what to repeat in a hint: the procedure and its ``documents``.

    ``shown`` says that it was asked for to be looked at: no hint then begins a run.
    """

    procedure: Procedure
    documents: str
    service: Name
    preferred: Name
    sites: tuple[Name, ...]
    from_site: Name | None = None
    to_site: Name | None = None
    shown: bool = False

    def hint(self, from_site: str = "", to_site: str = "", procedure: str = "") -> str:
        """A command to type."""
        verb = procedure or self.procedure.value
        flags = (f" --from {from_site}" if from_site else "") + (
            f" --to {to_site}" if to_site else ""
        )
        if self.shown:
            return f"drtool plan {self.documents} {verb}{flags}"
        return f"drtool {verb} {self.documents}{flags}"

    def refuse(self, found: str, expected: str = "", hint: str = "") -> Refused:
        """The refusal, to be raised."""
        return Refused(f"{self.procedure.value} of {self.service}", found, expected, hint)


def choose_direction(ask: Ask, roles: ObservedRoles) -> Direction:
    """The run's direction. Raises Refused with what to type when it cannot be known."""
    for flag, site in (("--from", ask.from_site), ("--to", ask.to_site)):
        if site is not None and site not in ask.sites:
            raise BadInput(f"{flag} {site}", "no such site", ", ".join(ask.sites))
    if ask.from_site is not None and ask.from_site == ask.to_site:
        raise BadInput(f"--from {ask.from_site} --to {ask.to_site}", "both are the same site")
    chosen = _CHOOSERS[ask.procedure](ask, roles)
    if chosen.from_site is not None and chosen.from_site == chosen.to_site:
        raise ask.refuse(
            f"{chosen.from_site} would be both left and taking over ({roles})",
            "two sites",
            ask.hint(*_likely(ask)),
        )
    return chosen


def _failover(ask: Ask, roles: ObservedRoles) -> Direction:
    if ask.from_site and ask.to_site:
        return Direction(from_site=ask.from_site, to_site=ask.to_site)
    _need_roles(ask, roles)
    left = ask.from_site or _lost(ask, roles)
    if left in roles.standbys and roles.primaries:
        raise ask.refuse(
            f"{left} is a standby, the primary is {_and(roles.primaries)}",
            "--from the site with the primary",
            ask.hint(roles.primaries[0], left),
        )
    return Direction(from_site=left, to_site=ask.to_site or _standby(ask, roles, left))


def _lost(ask: Ask, roles: ObservedRoles) -> str:
    """The site with the primary; when none is seen, the only one that does not answer."""
    if len(roles.primaries) > 1:
        raise ask.refuse(
            f"{_and(roles.primaries)} both have a primary: split brain suspected",
            "one primary",
            f"decide which side to keep, then {ask.hint('LOST', 'KEPT')}",
        )
    if roles.primaries:
        return roles.primaries[0]
    if len(roles.unreachable) == 1:
        return roles.unreachable[0]
    raise ask.refuse(
        f"no primary is seen ({roles})",
        "one primary, or one site that does not answer",
        ask.hint("SITE", "SITE"),
    )


def _standby(ask: Ask, roles: ObservedRoles, left: str) -> str:
    found = [site for site in roles.standbys if site != left]
    if len(found) == 1:
        return found[0]
    if found:
        raise ask.refuse(
            f"{_and(found)} are standbys", "one site to take over", ask.hint(left, found[0])
        )
    others = [site for site in ask.sites if site != left]
    other = others[0] if len(others) == 1 else "SITE"
    if left in roles.primaries and other in roles.unreachable:
        raise ask.refuse(
            f"no standby is seen: {left} has the primary, {other} does not answer",
            "a standby to take over",
            f"{ask.hint(procedure='reprotect')}; to finish an earlier run: {ask.hint(other, left)}",
        )
    raise ask.refuse(f"no standby is seen ({roles})", "a standby to take over", "")


def _switchover(ask: Ask, roles: ObservedRoles) -> Direction:
    if ask.from_site in roles.unreachable:
        raise _primary_gone(ask, roles, str(ask.from_site))
    if ask.from_site and ask.to_site:
        return Direction(from_site=ask.from_site, to_site=ask.to_site)
    _need_roles(ask, roles)
    left = _only_primary(ask, roles)
    if ask.from_site not in {None, left}:
        raise ask.refuse(
            f"{left} has the primary, not {ask.from_site}", f"--from {left}", ask.hint(left)
        )
    taking = ask.to_site or _standby(ask, roles, left)
    if taking == left:
        raise ask.refuse(f"{left} already has the primary", "another site to take over")
    return Direction(from_site=left, to_site=taking)


def _failback(ask: Ask, roles: ObservedRoles) -> Direction:
    if ask.to_site not in {None, ask.preferred}:
        raise ask.refuse(
            f"--to {ask.to_site} is not the preferred site",
            ask.preferred,
            ask.hint(to_site=str(ask.to_site), procedure="switchover"),
        )
    if ask.from_site is None and roles.primaries == (ask.preferred,):
        raise ask.refuse(f"the primary is at {ask.preferred} already, which is the preferred site")
    return _switchover(ask.model_copy(update={"to_site": ask.preferred}), roles)


def _reprotect(ask: Ask, roles: ObservedRoles) -> Direction:
    if ask.from_site and ask.to_site:
        return Direction(from_site=ask.from_site, to_site=ask.to_site)
    _need_roles(ask, roles)
    kept = ask.to_site or _only_primary(ask, roles)
    if ask.to_site and roles.primaries and ask.to_site not in roles.primaries:
        raise ask.refuse(
            f"{_and(roles.primaries)} has the primary, not {ask.to_site}",
            "--to the site with the primary",
        )
    others = [site for site in ask.sites if site != kept]
    waiting = [site for site in others if site not in roles.standbys] or others
    left = ask.from_site or (waiting[0] if len(waiting) == 1 else None)
    if left is None:
        raise ask.refuse(
            f"{_and(waiting)} could be protected again", "one site", ask.hint(waiting[0], kept)
        )
    if left == kept:
        raise ask.refuse(f"{left} has the primary", "--from the site that was left")
    return Direction(from_site=left, to_site=kept)


def _concerned(ask: Ask, roles: ObservedRoles) -> Direction:
    """For drain, lose and refill: the site that they are about."""
    gone = roles.unreachable if ask.procedure is Procedure.LOSE else ()
    left = ask.from_site or (gone[0] if len(gone) == 1 else None)
    if left is None:
        raise ask.refuse("no site is named", "--from SITE", ask.hint(ask.sites[0]))
    if len(ask.sites) < 2:
        raise ask.refuse(f"{left} is the only site", "another site that stays live")
    return Direction(from_site=left, to_site=ask.to_site)


def _rehearsal(ask: Ask, roles: ObservedRoles) -> Direction:
    found = [site for site in roles.standbys if site != ask.preferred]
    target = ask.to_site or (found[0] if len(found) == 1 else None)
    if target is None:
        raise ask.refuse("no site is named to bear the copy", "--to SITE", ask.hint(to_site="SITE"))
    if target == ask.preferred or target in roles.primaries:
        raise ask.refuse(
            f"{target} is production: "
            + ("it has the primary" if target in roles.primaries else "it is the preferred site"),
            "a site where a copy can reach nothing that customers use",
        )
    return Direction(to_site=target)


def _need_roles(ask: Ask, roles: ObservedRoles) -> None:
    if roles.primaries or roles.standbys or roles.unreachable:
        return
    raise ask.refuse(
        "no system of it has roles that could be observed",
        "--from SITE --to SITE",
        ask.hint(*_likely(ask)),
    )


def _likely(ask: Ask) -> tuple[str, str]:
    other = next((site for site in ask.sites if site != ask.preferred), "SITE")
    swap = ask.procedure in {Procedure.FAILBACK, Procedure.REPROTECT}
    return (other, ask.preferred) if swap else (ask.preferred, other)


def _only_primary(ask: Ask, roles: ObservedRoles) -> str:
    if len(roles.primaries) == 1:
        return roles.primaries[0]
    if len(roles.primaries) > 1:
        raise ask.refuse(
            f"{_and(roles.primaries)} both have a primary: split brain suspected",
            "one primary",
            f"decide which side to keep, then {ask.hint('SITE', 'SITE')}",
        )
    gone = roles.unreachable[0] if len(roles.unreachable) == 1 else ""
    if gone and ask.procedure in {Procedure.SWITCHOVER, Procedure.FAILBACK}:
        raise _primary_gone(ask, roles, gone)
    raise ask.refuse(f"no primary is seen ({roles})", "one primary", ask.hint("SITE", "SITE"))


def _primary_gone(ask: Ask, roles: ObservedRoles, gone: str) -> Refused:
    taking = roles.standbys[0] if len(roles.standbys) == 1 else ""
    return ask.refuse(
        f"{gone} does not answer",
        "both sites healthy",
        f"when it is lost: {ask.hint(gone, taking, procedure='failover')}",
    )


def _and(sites: tuple[str, ...] | list[str]) -> str:
    return " and ".join(sites) if len(sites) < 3 else ", ".join(sites)


_CHOOSERS = {
    Procedure.FAILOVER: _failover,
    Procedure.SWITCHOVER: _switchover,
    Procedure.FAILBACK: _failback,
    Procedure.REPROTECT: _reprotect,
    Procedure.REHEARSAL: _rehearsal,
    Procedure.DRAIN: _concerned,
    Procedure.LOSE: _concerned,
    Procedure.REFILL: _concerned,
}
