"""Runs of the engine's bench that are told to a stand-in of Slack; also run as a process."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine_bench import FAST, Bench, chain, step
from slack_standin import CHANNEL, FALLBACK

from drtool.engine.ports import Ports
from drtool.model.notify import Notify, Slack, Webhook
from drtool.model.secret import SecretRef
from drtool.notify.listener import Notifier
from drtool.units import Duration

PATIENT = replace(FAST, listeners=20.0, ending=20.0)


def ways(url: str, **more: Any) -> Notify:
    """Two channels and a webhook."""
    said = {
        "channel": CHANNEL,
        "fallback_channel": FALLBACK,
        "token": SecretRef(secret="env:SLACK_TOKEN"),
        "url": url,
        **more,
    }
    return Notify(slack=Slack(**said), webhook=Webhook(url=SecretRef(secret="env:SLACK_WEBHOOK")))


def notifier(directory: Path, notify: Notify) -> Notifier:
    return Notifier(notify, directory, directory / "notices" / "r1.json", directory / "notices.log")


def told(bench: Bench, notify: Notify) -> Ports:
    """The ports of a run that is told."""
    return replace(bench.ports(), listeners=(notifier(bench.directory, notify),))


def untold(bench: Bench) -> list[str]:
    """What the journal says of notices that did not arrive."""
    return [warned.text for warned in bench.state.warnings if warned.about == "notices"]


def heralds() -> list[int]:
    """The processes that tell people, of this test's own environment."""
    mine = os.environ["SLACK_WEBHOOK"].encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            if b"drtool.notify.herald" in words and mine in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def gated() -> Any:
    """A step, and one that waits for somebody to open a gate."""
    gate = step("gate", "bench.is", key="gate", deadline=Duration(60))
    return chain(step("one", "bench.fence"), gate)


if __name__ == "__main__":
    made = Bench(Path(sys.argv[1]), limits=PATIENT)
    sys.exit(made.execute(*gated(), ports=told(made, ways(sys.argv[2]))).exit_code)
