"""The rival: a plain Prefect script with tasks that do nothing, run one after the other.

``bare_prefect.py STEPS`` with Prefect's variables in the environment. Prints when its first task
began, in seconds since the process started, and what a task costs.
"""

from __future__ import annotations

import json
import os
import sys
import time

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

WARM = 10
BEGAN = float(os.environ["BEGAN"])
first: list[float] = []


@task(cache_policy=NO_CACHE)
def nothing() -> None:
    if not first:
        first.append(time.time())


@flow
def bare(steps: int) -> float:
    for _ in range(WARM):
        nothing()
    started = time.perf_counter()
    for _ in range(steps - WARM):
        nothing()
    return (time.perf_counter() - started) / max(1, steps - WARM) * 1000


if __name__ == "__main__":
    cost = bare(int(sys.argv[1]))
    print(json.dumps({"first": first[0] - BEGAN, "ms": cost}), flush=True)
    os._exit(0)
