"""Start a run from a Prefect deployment or schedule, and follow it to its end."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from drtool.errors import DrtoolError, StepFailed
from drtool.progress.narrate import narrate
from drtool.verbs.follow import following

POLL_SECONDS = 0.5


def carry_out(procedure: str, runbook: str, *words: str) -> str:
    """Run ``drtool PROCEDURE RUNBOOK WORDS`` to its end; the run's id.

    The run is a process of its own, so that it survives the worker that started it; a live run
    and a drill wait for ``drtool approve``. What happens is printed line by line. Raises
    DrtoolError when the run does not start, StepFailed when it ends with another code than 0.
    """
    command = [sys.executable, "-m", "drtool", procedure, runbook, *words, "--detach", "--json"]
    started = subprocess.run(command, capture_output=True, text=True, check=False)
    if started.returncode != 0:
        raise DrtoolError(f"{procedure} of {runbook}", started.stderr.strip())
    run = str(json.loads(started.stdout)["run"])
    followed = following(run)
    while True:
        for event in followed.poll():
            line = narrate(event, followed.state)
            if line:
                sys.stdout.write(line + "\n")
        if followed.over:
            break
        time.sleep(POLL_SECONDS)
    ended = followed.state.ended if followed.seen else None
    followed.journal.close()
    if ended is None or ended.exit_code != 0:
        found = f"{ended.outcome.value}: {ended.reason}" if ended else "its engine is gone"
        raise StepFailed(f"run {run}", found, hint=f"drtool explain {run}")
    return run
