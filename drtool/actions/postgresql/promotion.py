"""What is seen of a promotion, and the reasons that speak against it; connects to nothing."""

from __future__ import annotations

from datetime import datetime

from drtool.action import Facts
from drtool.actions.postgresql.sides import identity_at, place_of
from drtool.model.place import Place
from drtool.model.proof import ProofKind
from drtool.model.replication import DataLoss, ManagerSign, Replication
from drtool.model.value import Value
from drtool.safety.fence import parts_of
from drtool.safety.identity import reason_not_same_cluster
from drtool.units import Duration


class Promotion(Value):
    """The candidate, the primary that was there before, and what a promotion would lose now.

    ``before`` is the old primary's own word, asked only where no proof speaks for it.
    ``commits_hang`` says that a primary waits for standbys of which none is connected.
    """

    place: str
    from_place: str
    role: str
    timeline: int
    system_identifier: str
    position: int | None
    replication: Replication
    before: Replication | None = None
    before_trouble: str = ""
    commits_hang: bool = False
    loss: DataLoss
    limit: Duration
    managers: tuple[ManagerSign, ...] = ()
    fenced: bool = False
    at: datetime


def other_word(seen: Promotion) -> str:
    """What is known of the old primary, as the second half of a sentence."""
    before = seen.before
    if before is not None:
        return f"while {before.place} is {before.role} on timeline {before.timeline}"
    return f"and nothing proves that {seen.from_place} is fenced"


def reason_split_brain(seen: Promotion) -> str | None:
    """A sentence when the candidate is a primary and the old one may be one, too."""
    before = seen.before
    if seen.replication.in_recovery or (before is None and seen.fenced):
        return None
    if before is not None and before.in_recovery:
        return None
    return (
        f"{seen.place} is already primary on timeline {seen.timeline}, {other_word(seen)}: "
        f"split brain suspected; fence one of them before anything else"
    )


def reason_read_only(seen: Promotion) -> str | None:
    """A sentence when a primary takes no writes from us."""
    if not seen.replication.read_only:
        return None
    return (
        f"{seen.place} is a primary, but default_transaction_read_only is on for us; "
        "ALTER SYSTEM RESET default_transaction_read_only there"
    )


def reason_alive(seen: Promotion) -> str | None:
    """A sentence when somebody stated the old primary fenced, and it answers as a primary."""
    before = seen.before
    if before is None or before.in_recovery:
        return None
    return f"{before}; it was said to be fenced, but it answers"


def reason_wrong_standby(seen: Promotion, facts: Facts, left: Place) -> str | None:
    """A sentence unless the candidate belongs to the cluster that is being failed over."""
    known = [identity_at(facts, place_of(facts)), identity_at(facts, left)]
    fenced = {str(part) for part in parts_of(left, facts.inventory)}
    known += [
        proof.identity
        for proof in facts.proofs
        if proof.kind is ProofKind.PROCESSES and proof.subject in fenced
    ]
    known += [seen.before.system_identifier] if seen.before else []
    named: list[str | None] = [identifier for identifier in known if identifier]
    for expected in named or [None]:
        other = reason_not_same_cluster(seen.place, seen.system_identifier, expected)
        if other is not None:
            return other
    before = seen.before
    if before is not None and before.timeline > seen.timeline:
        return (
            f"{seen.place} follows timeline {seen.timeline}, but {before.place} is on "
            f"{before.timeline}: it did not follow the last promotion"
        )
    return None
