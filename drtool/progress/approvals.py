"""How far a question to several people has come, in words."""

from __future__ import annotations

from drtool.model.inventory import Inventory
from drtool.model.purpose import Mode
from drtool.progress.run_state import Consent, RunState
from drtool.safety.rights import those_who_may


def so_far(consent: Consent, state: RunState) -> str:
    """``1 of 2 (first), waits for one more of commander: second``; "" where one answer is enough.

    Where people have keys, those who may answer are named for one answer too.
    """
    asked, came = consent.asked, _came(consent)
    inventory = state.plan.inventory
    if asked.needs < 2 and not inventory.proves_identity:
        return ""
    others = [name for name in _able(consent, state) if name not in came]
    of = f" of {asked.of}" if asked.of else ""
    named = f": {', '.join(others)}" if others else ""
    if asked.needs < 2:
        return f"waits for one{of}{named}"
    left = still_missing(consent)
    more = "one more" if came and left == 1 else f"{left} more" if came else f"{left}"
    by = f" ({', '.join(came)})" if came else ""
    return f"{len(came)} of {asked.needs}{by}, waits for {more}{of}{named}"


def still_missing(consent: Consent) -> int:
    """How many people have not approved yet."""
    return max(consent.asked.needs - len(_came(consent)), 0)


def _came(consent: Consent) -> list[str]:
    """Who has approved."""
    return [one.by for one in consent.approvals if one.decision == "approved"]


def answer_to(run: str, step: str, what: str, service: str) -> str:
    """What to type to say yes: to try again, to confirm work by hand, or to consent."""
    if what == "decision":
        return f"drtool retry {run} {step}"
    if what == "manual":
        return f"drtool confirm {run} {step}"
    return f"drtool approve {run} {step} --service {service}"


def _able(consent: Consent, state: RunState) -> tuple[str, ...]:
    mode: Mode = state.mode
    inventory: Inventory = state.plan.inventory
    return those_who_may(consent.asked, inventory, state.requester_name, mode)
