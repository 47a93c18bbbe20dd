"""What will be done, as one number that an approval can bind."""

from __future__ import annotations

import hashlib
import json

from drtool.model.plan import Plan


def digest_of(plan: Plan) -> str:
    """The SHA-256 of the plan's canonical JSON, without what only speaks of its runbook.

    Mode and version stand in no plan; who is told of a run, who
    proves to be who with which key, and what is watched before anything
    starts, changes nothing of what is done.
    Canonical: keys sorted, no spaces, UTF-8.
    """
    beside = {"digest", "source", "documents", "warnings", "procedures"}
    said = plan.model_dump(mode="json", exclude=beside)
    del said["inventory"]["notify"], said["inventory"]["people"]
    for service in said["inventory"]["services"].values():
        del service["signals"], service["hold_down"], service["automatic"]
    for step in said["steps"]:
        del step["source"]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
