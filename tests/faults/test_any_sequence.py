"""No sequence of crashes, answers and breakdowns breaks a promise, as far as chance can find one.

A failure prints a ``@reproduce_failure`` line; ``make replay`` says how to run it again.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sim_rules import Recovery

pytestmark = pytest.mark.faults
EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "200"))


def chosen(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.timeout(0)
def test_no_sequence_of_crashes_breaks_a_promise() -> None:
    run_state_machine_as_test(Recovery, settings=chosen(EXAMPLES))
