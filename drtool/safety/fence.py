"""Judge the proofs that an old primary can no longer write; connects to nothing.

Invariant: whatever comes in, a promotion is let through only by a proof of the very system, of
an age that its maker vouched for, or by a human's statement; a statement is accepted for going
on and is never called proof.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from drtool.model.inventory import Inventory, Patroni
from drtool.model.place import Place
from drtool.model.proof import Proof, ProofKind
from drtool.units import seconds_text

# A proof is made and judged by clocks of one process or of two machines that keep time.
CLOCK_SKEW = timedelta(seconds=5)


def is_proven(proof: Proof) -> bool:
    """Whether it was observed; a human's statement was not."""
    return proof.kind is not ProofKind.STATEMENT


def expected_identity(
    kind: ProofKind, place: Place, inventory: Inventory, system_identifier: str | None
) -> str | None:
    """What a proof of that kind must name: the cluster, or the power controller's system.

    None when nothing can be expected of that kind there, and so nothing be believed.
    """
    system = inventory.server(str(place))
    if system is None:
        return None
    if kind is ProofKind.POWER:
        host = inventory.hosts.get(system.host)
        return host.power.system if host and host.power else None
    if kind is ProofKind.STATEMENT:
        return None
    return system.system_identifier or system_identifier


def reason_not_to_trust(
    proof: Proof, subject: str, identity: str | None, now: datetime
) -> str | None:
    """A sentence when this one proof does not show ``subject`` fenced now.

    ``identity`` is what ``expected_identity`` gives for the proof's kind; a statement has none
    and only its age and subject are judged.
    """
    if proof.subject != subject:
        return f"it speaks of {proof.subject}, not of {subject}"
    stale = _reason_untimely(proof, now)
    if stale is not None or not is_proven(proof):
        return stale
    if identity is None:
        return f"it is not known what {subject} must be identified by"
    if proof.identity != identity:
        return f"it was made of {proof.identity or 'something unnamed'}, not of {identity}"
    return None


def _reason_untimely(proof: Proof, now: datetime) -> str | None:
    """A sentence when the proof is too old, or from the future."""
    age = now - proof.at
    if age < -CLOCK_SKEW:
        return f"it bears a time {seconds_text(-age.total_seconds())} in the future"
    if age.total_seconds() > proof.max_age.seconds:
        return (
            f"it is {seconds_text(age.total_seconds())} old and good for "
            f"{seconds_text(proof.max_age.seconds)}"
        )
    return None


def trusted_proof(
    proofs: Iterable[Proof],
    place: Place,
    inventory: Inventory,
    system_identifier: str | None,
    now: datetime,
) -> Proof | None:
    """The best proof that holds now: a real one before a statement, the newest first.

    Of a cluster every member must be fenced: the weakest of their best proofs, and the latest
    time, for until then one of them may have written.
    """
    made, parts = tuple(proofs), parts_of(place, inventory)
    best = [
        found
        for part in parts
        if (found := _best(made, part, inventory, system_identifier, now)) is not None
    ]
    if len(best) < len(parts):
        return None
    return min(best, key=is_proven).model_copy(update={"at": max(proof.at for proof in best)})


def parts_of(place: Place, inventory: Inventory) -> tuple[Place, ...]:
    """The servers that must each be fenced: all members of a cluster, or the one there is."""
    system = inventory.system(str(place))
    if isinstance(system, Patroni) and place.member is None:
        return tuple(place.model_copy(update={"member": name}) for name in system.members)
    return (place,)


def reason_not_proven(
    proofs: Iterable[Proof],
    place: Place,
    inventory: Inventory,
    system_identifier: str | None,
    now: datetime,
) -> str | None:
    """A sentence when nothing shows the system at ``place`` fenced; what a promotion asks.

    ``system_identifier`` is that of the standby to be promoted: what the fenced one must bear.
    """
    made = tuple(proofs)
    for part in parts_of(place, inventory):
        if _best(made, part, inventory, system_identifier, now) is not None:
            continue
        if not made:
            return f"no fence of {part} has been proven in this run, and nobody has stated one"
        why = "; ".join(
            f"the {proof.kind.value} {'proof' if is_proven(proof) else 'of a human'}: "
            f"{_reason(proof, part, inventory, system_identifier, now)}"
            for proof in made
        )
        return f"no fence of {part} holds now: {why}"
    return None


def _best(
    proofs: tuple[Proof, ...],
    place: Place,
    inventory: Inventory,
    system_identifier: str | None,
    now: datetime,
) -> Proof | None:
    """The best proof of one server that holds now."""
    held = [
        proof
        for proof in proofs
        if _reason(proof, place, inventory, system_identifier, now) is None
    ]
    return max(held, key=lambda proof: (is_proven(proof), proof.at), default=None)


def _reason(
    proof: Proof,
    place: Place,
    inventory: Inventory,
    system_identifier: str | None,
    now: datetime,
) -> str | None:
    """Why this proof does not hold for the system at that place."""
    identity = expected_identity(proof.kind, place, inventory, system_identifier)
    return reason_not_to_trust(proof, str(place), identity, now)
