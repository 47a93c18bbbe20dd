"""No sequence of crashes, answers and breakdowns breaks a promise, as far as chance can find one.

A failure prints the shortest sequence that was found, and a line
``@reproduce_failure('VERSION', b'BLOB')``; the same sequence runs again with::

    REPLAY="VERSION BLOB" .venv/bin/pytest tests/faults/test_any_sequence.py

``SOAK_EXAMPLES=n`` tries n sequences, ``SEED=n`` the same ones each time.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, reproduce_failure, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from measured import keep
from sim_rules import Recovery

pytestmark = pytest.mark.faults
EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "200"))
MANY = 20_000


def chosen(examples: int) -> settings:
    """Sequences of twenty-five things that happen, and the blob of one that fails."""
    return settings(
        max_examples=examples,
        stateful_step_count=25,
        print_blob=True,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.timeout(0)
def test_no_sequence_of_crashes_breaks_a_promise() -> None:
    told: type[Recovery] = type("Told", (Recovery,), {})
    if os.environ.get("REPLAY"):
        version, blob = os.environ["REPLAY"].split()
        told = reproduce_failure(version, blob.encode())(told)
    if os.environ.get("SEED"):
        told = seed(int(os.environ["SEED"]))(told)
    run_state_machine_as_test(told, settings=chosen(EXAMPLES))
    if EXAMPLES >= MANY:
        keep("sequences", examples=EXAMPLES)
